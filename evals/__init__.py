"""What evaluations of lright were made with: answers labelled by hand, recorded runs, and the scripts that made them."""
