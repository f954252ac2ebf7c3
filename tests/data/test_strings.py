import pickle

from hypothesis import given
from hypothesis import strategies as st

from covary.data.strings import Strings

# What os.fsdecode can give: any text, and lone surrogates for bytes that are not valid UTF-8.
file_names = st.binary(max_size=12).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


@given(st.lists(file_names, max_size=20), st.slices(20))
def test_strings_behave_as_the_list_they_were_made_of(values, part):
    strings = Strings(values)
    assert len(strings) == len(values)
    assert list(strings) == values
    assert strings[part] == values[part]
    assert [strings[-1 - i] for i in range(len(values))] == values[::-1]
    assert pickle.loads(pickle.dumps(strings)) == strings == Strings(values)


def test_strings_are_pickled_out_of_band():
    buffers = []
    strings = Strings(f"class/{i:06}.jpg" for i in range(1000))
    rest = pickle.dumps(strings, protocol=5, buffer_callback=buffers.append)
    assert len(rest) < 500
    assert pickle.loads(rest, buffers=buffers) == strings
