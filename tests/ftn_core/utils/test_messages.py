import pytest

from ftn_core.utils.messages import complain, printable, say

CLEAR_SCREEN = "\x1b[2J\x1b]0;title\x07"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grün × 3 · 写真.png", "Grün × 3 · 写真.png"),
        (f"{CLEAR_SCREEN}a.png", r"\x1b[2J\x1b]0;title\x07a.png"),
        ("a\r\nb\u2028c\x9b1m", r"a\r\nb\u2028c\x9b1m"),
        ("gpj\u202e.png", r"gpj\u202e.png"),
        (b"\xff.png".decode(errors="surrogateescape"), r"\udcff.png"),
    ],
)
def test_a_line_cannot_control_the_terminal(text, shown, capsys):
    assert printable(text) == shown
    say(text)
    complain(text)
    assert capsys.readouterr() == (f"{shown}\n", f"{shown}\n")
