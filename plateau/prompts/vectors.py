"""Prompts as vectors of words, for the linear models and for finding similar ones."""

from typing import Any


def tfidf(longest: int = 1, rarest: int = 1) -> Any:
    """TF-IDF of words and symbols in lower case, and of runs of up to `longest` of them, that stand in `rarest` texts or more."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # a second to import

    words = r"\w+|[^\w\s]"
    return TfidfVectorizer(token_pattern=words, sublinear_tf=True, ngram_range=(1, longest), min_df=rarest)
