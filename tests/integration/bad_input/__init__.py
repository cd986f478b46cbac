"""Generated bad input: requests made wrong in one place each, from the API document; see ../test_bad_input.py."""
