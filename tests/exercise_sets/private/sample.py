"""Hidden oracle of the sample set, and functions that make its known mistakes."""


def take_a_step(q, m, eta):
    return q - eta * (q - m)


def ordinary(q, m, eta):
    return q - eta * (q - m) / (q * (1 - q))


def uphill(q, m, eta):
    return q + eta * (q - m)
