"""Writers of the ten feeds: each turns the state of the district into a delivery as its department sends it."""
