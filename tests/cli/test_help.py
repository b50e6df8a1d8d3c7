from tunewise.cli.help import epilog


def test_examples_stand_as_they_are_typed():
    assert epilog("a b", codes="0.") == "\b\nExample:\n  a b\n\nExit codes: 0."
    assert epilog("a", "b", codes="0.").startswith("\b\nExamples:\n  a\n  b\n\n")
