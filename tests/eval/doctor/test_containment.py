"""How much of a text stands in few sentences of another, weighted by rarity."""

from math import log

from eval.doctor.containment import Containment

TEXTS = ["Parcels cost money. Letters cost less.", "Parcels travel.", "Quokkas sleep."]
WORDS = Containment(TEXTS)


def idf(n, of=3):
    return log(1 + (of - n + 0.5) / (n + 0.5))


def test_the_share_is_weighted_by_rarity():
    """Parcels stand in two of three documents, quokkas in one."""
    share, lacking = WORDS.share("Quokkas parcels", "Parcels.")
    assert share == idf(2) / (idf(1) + idf(2))
    assert lacking == frozenset()


def test_the_best_window_is_the_shortest_that_holds_most():
    held = WORDS.best("Letters cost", ["Nothing.", "Parcels cost money. Letters cost less. Quokkas."])
    assert (held.share, held.context, held.start, held.end) == (1.0, 1, 20, 38)


def test_words_of_the_question_count_for_nothing():
    assert WORDS.share("Parcels cost money", "They cost money.", known="What about parcels?") == (1.0, frozenset())


def test_an_answer_of_question_words_alone_is_looked_for_whole():
    assert WORDS.share("Parcels", "Parcels.", known="Parcels or letters?")[0] == 1.0


def test_numbers_that_are_nowhere_are_told():
    share, lacking = WORDS.share("It takes 30 days, 2 of them for 1,000 euros", "30 days and 1000 euros", known="with 2?")
    assert lacking == frozenset()
    assert 0 < share < 1
    assert WORDS.share("It takes 31 days", "30 days")[1] == {"31"}
    assert WORDS.best("31 days", ["30 days"]).lacking == {"31"}


def test_nothing_shared_is_nothing_held():
    assert WORDS.best("Quokkas", ["Parcels."]) is None
    assert WORDS.share("", "Parcels.") == (0.0, frozenset())
