from ftn_core.utils.levels import level_name


def test_names_are_as_dvc_writes_them():
    assert [level_name(x) for x in (0.2, 40, 40.0, 2.5, 0.078431, 0)] == ["0.2", "40", "40", "2.5", "0.078431", "0"]
