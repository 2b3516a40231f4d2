"""Models by family: each file brings the bodies of one into the form of the Converse API."""
