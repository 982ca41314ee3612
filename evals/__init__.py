"""What evaluations of lright are made with: answers labelled by hand, and the scripts that run them."""
