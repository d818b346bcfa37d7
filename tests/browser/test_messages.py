"""What the browser tells the server, and when.

Messages that cross on a slow line have made Streamlit stay on a page that was left, or stand still for good. So the
Correct page tells little, and nothing while a click on another page may be under way.
"""

import time

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.browser.correction import CorrectPage, discs, picture_of

pytestmark = pytest.mark.browser
SHAPE = (450, 600)


def listen(page):
    """Requests to run a page or a part of it, as they are sent."""
    requests = []

    def sent(frame):
        message = BackMsg.FromString(frame) if isinstance(frame, bytes) else BackMsg()
        if message.WhichOneof("type") == "rerun_script":
            requests.append(message.rerun_script)

    page.on("websocket", lambda line: line.on("framesent", sent))
    return requests


def test_the_correct_page_tells_no_more_than_it_must(open_page):
    labels = discs(SHAPE, [(150, 150), (400, 250)], 50)
    page = open_page("correct", height=1000)
    requests = listen(page)
    page.reload()
    editor = CorrectPage.open_pair(page, picture_of(labels, seed=5), labels, name="talk.png")
    wide = editor.canvas_box()["width"]

    requests.clear()
    page.get_by_role("button", name="Expand sidebar").click()
    page.mouse.move(150, 400)  # over the list of pages
    page.wait_for_timeout(1500)
    assert requests == []
    page.mouse.move(700, 500)  # back at work: the canvas takes the room that is left
    end = time.monotonic() + 60
    while (editor.canvas_box() or {"width": wide})["width"] > wide - 50:
        assert time.monotonic() < end, "the canvas keeps its width"
        page.wait_for_timeout(200)
    editor.settled()

    page.get_by_role("link", name="Guide").click()
    page.get_by_text("In three steps").wait_for()
    requests.clear()
    page.get_by_role("link", name="Correct", exact=True).click()
    editor.settled()
    assert [bool(request.fragment_id) for request in requests].count(False) == 1  # the click itself
    # No picture may expire in the browser while the server counts on it.
    assert not any(request.cached_message_hashes for request in requests)
    assert not page.errors
