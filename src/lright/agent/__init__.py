"""What lright gives to coding agents: a skill to read and a server to call."""
