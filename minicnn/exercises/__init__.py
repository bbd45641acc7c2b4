"""Exercises, and what tells whether a check is worth anything: classic mistakes that it has to notice.

mutants     the mistakes, one by one, with what a teacher would say
cases       the inputs and options at which each operation and each optimizer is checked
laws        what a gradient must obey: sums, independence, orthogonality
checks      the checks run on a case, and on a case with a mistake planted
"""
