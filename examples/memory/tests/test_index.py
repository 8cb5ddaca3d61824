"""What an index promises."""

from index import Index, words_of


def index_of(*texts):
    index = Index()
    assert [index.add(text) for text in texts] == list(range(len(texts)))
    index.freeze()
    return index


def test_words_are_in_lower_case():
    assert words_of("It is, it IS!") == ["it", "is", "it", "is"]


def test_a_word_is_found_at_all_its_places():
    index = index_of("a rose is a rose", "no flower", "A rose")
    assert index.find("rose") == [(0, 1), (0, 4), (2, 1)]
    assert index.find("A") == [(0, 0), (0, 3), (2, 0)]
    assert index.find("tulip") == []
    assert index.documents == 3


def test_all_words_are_known():
    assert index_of("b a", "c a").words() == ["a", "b", "c"]
    assert index_of().words() == []


def test_a_phrase_is_words_in_a_row():
    index = index_of("to be or not to be", "be to", "or not")
    assert index.phrase("to be") == [0]
    assert index.phrase("Or not") == [0, 2]
    assert index.phrase("not or") == index.phrase("") == index.phrase("who") == []


def test_an_answer_is_the_callers_own():
    index = index_of("a b")
    index.find("a").append("changed")
    index.words().clear()
    assert index.find("a") == [(0, 0)]
    assert index.words() == ["a", "b"]
