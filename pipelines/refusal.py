"""What a person can put right. A leaf: rooms derive their errors from it, the command line prints them."""


class Refusal(Exception):
    """Wrong input, a wrong declaration or a wrong moment; the message says what is wrong, where, and what to do.

    Commands print it without a traceback and exit with 2. Everything else that is raised is a defect.
    """
