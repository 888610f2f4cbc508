"""Where pictures for training and measuring come from."""
