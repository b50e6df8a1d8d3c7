"""Batches keep their positions, whatever is missing and however long a page is."""

from hypothesis import given
from hypothesis import strategies as st

from tunewise.events import StudyNoted, Unreadable
from tunewise.storage.frame import from_places, to_body


def row(position, is_sound):
    body, crc = to_body([StudyNoted({"place": position})])
    return position, body, crc if is_sound else crc + 1


places = st.sets(st.integers(0, 30))


@given(kept=places, damaged=places, most=st.integers(1, 12), end=st.none() | st.just(40))
def test_pages_of_any_length_hold_each_batch_at_its_place(kept, damaged, most, end):
    rows = [row(position, position not in damaged) for position in sorted(kept)]
    read = []
    while True:
        first = len(read)
        page = from_places([r for r in rows if r[0] >= first][:most], first, most, end)
        if not page:
            break
        assert len(page) <= most
        read += page
    assert len(read) == (end or max(kept, default=-1) + 1)
    for position, (event,) in enumerate(read):
        if position in kept - damaged:
            assert event == StudyNoted({"place": position})
        else:
            assert isinstance(event, Unreadable)
            assert f"position {position}:" in event.reason
