"""What is known of a file that is run or used as a payload: its package, who may change it, where it lies."""
