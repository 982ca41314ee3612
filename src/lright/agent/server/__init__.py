"""The MCP server: lright's tools for agents, confined to one folder.

``app`` speaks the protocol and knows nothing else; ``worker`` processes do the work, so that one that hangs, swells or
crashes can be ended. ``tools`` are the functions, ``answers`` what they give, ``confine`` the folder, ``guard`` what a
worker may not do, ``pool`` who works on what, ``runs`` the tools that execute the user's script.
"""
