"""What single departments know: pure functions of the district's state and a day, without dirt and without a format."""
