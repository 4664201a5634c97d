SELECT n FROM desired_change
