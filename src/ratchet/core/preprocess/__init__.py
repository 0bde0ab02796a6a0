"""Preprocessing that is fitted with the estimator, inside of the same artefact.

`plan` says what is done to which feature, `learnt` finds in the training rows what must be known before anything is
built (bounds of outliers, categories that are kept) and counts what it does to them, and `transformer` builds all of
it from scikit-learn's own classes, so that a model loads wherever scikit-learn is.
"""
