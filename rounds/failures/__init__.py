"""What goes wrong: rejected answers by kind of failure, and clusters inside each kind."""
