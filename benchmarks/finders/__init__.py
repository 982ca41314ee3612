"""How good the suggestions of LR finders are, lright's and its peers', on small real tasks with a known truth."""
