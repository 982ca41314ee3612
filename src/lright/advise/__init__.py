"""From facts to a plan and from words to an answer: rules, data and arithmetic, no language model."""
