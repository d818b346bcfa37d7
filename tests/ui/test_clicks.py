"""A click counts once, also when the page begins anew before it reaches the button."""

import time

import pytest
import streamlit as st
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.testing.v1 import AppTest

from ui.shared.clicks import FRESH_S, NOTED, click_waits, forget_clicks_elsewhere, keep_callbacks_whole, take_click


def page(button):
    """A page that is begun anew when it has run to its first line, as another click or a component's report does."""
    import streamlit as st

    from ui.shared.clicks import clicked, noting_button, take_click

    st.session_state.setdefault("deeds", [])
    if st.session_state.pop("interrupted", False):
        st.rerun()
    if button == "plain" and st.button("Go", key="go"):
        st.session_state.deeds.append("go")
    if button == "one" and clicked("Go", "go"):
        st.session_state.deeds.append("go")
    if button == "row":
        noting_button("Go", "go")
        noting_button("Leave", "leave")
        st.session_state.deeds += [key for key in ("go", "leave") if take_click(key)]
    if button == "form":
        with st.form("form"):
            sent = clicked("Go", "go", button=st.form_submit_button)
        if sent:
            st.session_state.deeds.append("go")
    if button == "disabled" and clicked("Go", "go", disabled="off" in st.session_state):
        st.session_state.deeds.append("go")


def press(button, **state):
    app = AppTest.from_function(page, args=(button,)).run()
    for name, value in state.items():
        app.session_state[name] = value
    (first := next(b for b in app.button if b.label == "Go")).click().run()
    assert first.label == "Go"
    app.run().run()
    assert not app.exception
    return app.session_state.deeds


@pytest.mark.parametrize("button", ["one", "row", "form"])
@pytest.mark.parametrize("interrupted", [False, True])
def test_a_click_counts_once(button, interrupted):
    assert press(button, interrupted=interrupted) == ["go"]


def test_a_plain_button_forgets():
    assert press("plain", interrupted=True) == [], "Streamlit mended it: ui/shared/clicks.py is needed no more"


def test_a_button_that_is_off_by_now_does_nothing():
    assert press("disabled", off=True) == []


def test_a_click_is_not_kept_for_another_visit():
    forget_clicks_elsewhere("here")
    st.session_state.setdefault(NOTED, {})["delete"] = time.monotonic()
    forget_clicks_elsewhere("here")
    assert click_waits("delete")
    forget_clicks_elsewhere("there")
    assert not click_waits("delete")


def leading(page):
    import streamlit as st

    from ui.shared.clicks import forget_clicks_elsewhere, leads_on

    forget_clicks_elsewhere(st.session_state.get("page", page))
    if leads_on("Correct", "correct"):
        st.session_state.led = st.session_state.get("led", 0) + 1


def test_a_button_that_leads_on_counts_until_the_other_page_is_there():
    app = AppTest.from_function(leading, args=("here",)).run()
    app.button[0].click().run()
    app.run()  # begun anew before the other page was there
    assert app.session_state.led == 2
    app.session_state["page"] = "there"
    app.run()
    app.session_state["page"] = "here"
    app.run()
    assert app.session_state.led == 2


def test_a_click_whose_button_is_gone_does_not_act_when_it_comes_back():
    forget_clicks_elsewhere("dialog")
    st.session_state.setdefault(NOTED, {})["delete"] = time.monotonic() - FRESH_S
    assert not take_click("delete")


def test_a_callback_is_not_ended_where_it_asks_for_the_sessions_state(monkeypatch):
    class EndedError(Exception):
        pass

    def end():
        raise EndedError

    def callback(_, *args, **options):
        safe["done"] = True

    monkeypatch.setattr(SessionState, "on_script_will_rerun", callback)
    keep_callbacks_whole()
    keep_callbacks_whole()  # every page does
    state = SessionState()
    safe = SafeSessionState(state, end)
    safe.on_script_will_rerun(None)
    assert state["done"]
    with pytest.raises(EndedError):
        safe["after"] = True
