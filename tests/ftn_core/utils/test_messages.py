import pytest

from ftn_core.utils.messages import complain, printable, say, shortened

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


def test_a_line_does_not_fill_the_terminal(capsys):
    name = "n" * 1_000_000
    for line in (f"a.safetensors is damaged: tensor {name!r} is left over: make it again", "\u2028" * 1000):
        complain(line)
        printed = capsys.readouterr().err
        assert printed.count("\n") == 1 and len(printed) < 520 and printed[:13] == printable(line)[:13]
        assert printed.endswith(printable(line)[-13:] + "\n")
    assert shortened("a" * 500) == "a" * 500 and shortened("abcdef", 4) == "ab ... ef"
