import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftn_core.utils.errors import UserError
from registry.model.request import TooLargeError, read_json

PICTURE = [[[[0.5, 0.25, 1], [0, 0.125, -0.5]]]]


def read(text, max_pixels=100):
    return read_json(text.encode() if isinstance(text, str) else text, max_pixels)


@pytest.mark.parametrize("key", ["inputs", "instances"])
@pytest.mark.parametrize("params", [None, {}, {"sigma": 0.3}])
def test_images_and_params_come_out(key, params):
    images, found = read(json.dumps({key: PICTURE} | ({} if params is None else {"params": params})))
    np.testing.assert_array_equal(images, np.array(PICTURE, np.float32))
    assert images.dtype == np.float32 and found == params


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ('{"inputs": [0.5', "not JSON"),
        ('{"inputs": [NaN]}', "not JSON"),
        ("[" * 10**5, "not JSON"),
        (b"\xff", "not JSON"),
        ("[[0.5]]", "must be a JSON object with inputs, not list"),
        ("{}", "either inputs or instances"),
        ('{"inputs": [1], "instances": [1]}', "either inputs or instances"),
        ('{"inputs": [1], "sigma": 0.2}', "unknown key 'sigma': there are inputs and params"),
        ('{"inputs": ["0.5"]}', "a number, not a string"),
        ('{"inputs": [1], "inputs": [2]}', "no key may be there twice"),
        ('{"inputs": [1], "params": {"sigma": 0.1, "sigma": 0.2}}', "no key may be there twice"),
        ('{"inputs": [null]}', "null, true or false"),
        ('{"inputs": [true]}', "null, true or false"),
        ('{"inputs": [[1, 2], [3]]}', "all rows of one length"),
        ('{"inputs": {}}', "lists of numbers"),
    ],
)
def test_what_is_wrong_is_said(text, words):
    with pytest.raises(UserError, match=words):
        read(text)


def test_as_many_values_as_are_allowed_and_one_more():
    text = json.dumps({"inputs": [0.5] * 300, "params": {"sigma": 0.2}})
    assert read(text, 100)[0].size == 300
    with pytest.raises(TooLargeError, match="100 pixels"):
        read(text.replace("[", "[0.5, "), 100)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)
KEYS = st.sampled_from(["inputs", "instances", "params", "dataframe_split"]) | st.text(max_size=3)


@given(st.dictionaries(KEYS, JSON, max_size=3).map(json.dumps).map(str.encode) | JSON.map(json.dumps) | st.binary())
def test_anything_else_is_an_array_or_a_users_mistake(text):
    try:
        images, _ = read(text)
    except UserError as error:
        assert str(error) and "\n" not in str(error)
    else:
        assert images.dtype == np.float32
