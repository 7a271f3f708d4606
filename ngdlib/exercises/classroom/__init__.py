"""Exercises for a class: handing out, collecting, grading, giving back.

    make class                                      a folder for the class, with its key
    make release SET=bernoulli ROSTER=roster.csv    each student's notebook, with their numbers
    make grade SUBMISSIONS=downloads                grades, feedback, a report

key       the instructor's key: variants and hidden cases are drawn from it
roster    who is in the class                       release   notebooks, written
collect   which file is whose                       grade     submissions, judged
sandbox   where a student's code runs (worker: the script inside)
pages     feedback and report                       export    tables of grades

Nothing in the repository is secret. What no student can know comes from the key.
"""
