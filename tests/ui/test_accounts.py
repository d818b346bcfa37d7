"""What somebody may do is decided where it is done: the actions of all pages, called without their buttons."""

import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bccseg.accounts.roles import Action, Role, may
from bccseg.accounts.server import Mode
from bccseg.annotation.drafts import DraftInfo, create_draft
from bccseg.annotation.store import LabelStore
from bccseg.classes import CellClass, ClassSet
from bccseg.errors import AccessError
from bccseg.io.archive import Entry
from bccseg.slides.runs import SlideRun
from tests.paths import ROOT
from tests.slides.slide_files import write_svs
from tests.ui.team import account, claims, team
from ui.shared.segmentation_job import WaitingFile

__all__ = ["team"]

SCRIPT = """
import streamlit as st
from tests.ui.test_accounts import DEEDS
try:
    DEEDS[st.session_state["deed"]](st.session_state["given"])
except Exception as error:
    st.session_state["raised"] = error
"""


def submit(given):
    from ui.correct.session import CorrectionSession
    from ui.correct.start import _submit

    _submit(CorrectionSession(given["draft"]), "Somebody Else", "", "CC0 1.0")


def review(given):
    from ui.collection.review import ReviewState, decide

    state = ReviewState()
    decide(given["store"], state, given["version"], "accepted")
    given["said"].append(state.message)


def restore(given):
    import streamlit as st

    from ui.collection.withdraw import SAID, _restore

    _restore(given["store"], given["withdrawn"], "")
    given["said"].append(st.session_state[SAID][0])


def classes(given):
    from ui.shared.class_editor import ClassDraft, _save

    draft = ClassDraft.of(
        ClassSet(classes=(CellClass(name="blast", colour="#112233", key="b"),)), given["store"].class_set()
    )
    _save(draft)


def import_zip(given):
    from ui.collection.importing import _import

    _import(given["store"], given["zip"], "Somebody Else", "CC0 1.0", {})


def export(given):
    from ui.collection.transfer import _zip

    _zip(given["store"], [], "labels")


def export_measures(given):
    from ui.collection.measures import _zip

    _zip(given["store"], [])


def check_data(given):
    import time

    import streamlit as st

    from ui.shared.clicks import NOTED
    from ui.train.data_check import CHECK, show_check

    st.session_state[NOTED] = {CHECK: time.monotonic()}  # clicked
    show_check([], [], 0.1, "", versions=[])


def count(given):
    from ui.slides.library import change

    change(Action.COUNT_SLIDE, "a.svs", lambda: given["done"].append(Action.COUNT_SLIDE))


def callback(action):
    def deed(given):
        from ui.shared.account import guarded

        guarded(action, lambda: given["done"].append(action))()

    return deed


DEEDS = {
    "submit": submit, "review": review, "restore": restore, "classes": classes, "import": import_zip, "export": export,
    "measures": export_measures, "check": check_data, "count": count,
    **{f"callback: {action}": callback(action) for action in Action},
}  # fmt: skip
OF = {
    "submit": Action.SUBMIT, "review": Action.REVIEW, "restore": Action.WITHDRAW, "classes": Action.EDIT_CLASSES,
    "import": Action.IMPORT, "export": Action.EXPORT, "measures": Action.EXPORT, "check": Action.TRAIN,
    "count": Action.COUNT_SLIDE,
    **{f"callback: {action}": action for action in Action},
}  # fmt: skip


class Zip:
    name, file_id = "labels.zip", "1"

    @staticmethod
    def getvalue():
        return b"no zip at all"


@pytest.fixture
def given(team, discs):
    """Something of each kind that can be done to."""
    store = LabelStore(team.roles.path.parent.with_name("store"))
    image = np.full((*discs.shape, 3), 200, np.uint8)
    draft = create_draft(store, image, discs, DraftInfo(name="smear.png", diameter_px=40))
    kept = store.add_image(image, "a.png", added_by="Zoe", licence="")
    version = store.save_version(kept.id, discs, author="Zoe", account="0" * 16)
    gone = store.add_image(image // 2, "b.png", added_by="Zoe", licence="")
    store.withdraw(gone.id, "Zoe", "wrong")
    return {
        "store": store,
        "draft": draft,
        "version": version,
        "withdrawn": gone.id,
        "zip": Zip,
        "done": [],
        "said": [],
    }


def do(deed, given, who=None):
    """The page's function as it is called; what it raised."""
    at = AppTest.from_string(SCRIPT, default_timeout=60)
    at.user = claims(who) if who else {}
    at.session_state["deed"], at.session_state["given"] = deed, given
    at.run()
    assert not at.exception
    at.said = [e.value for e in [*at.error, *at.toast]] + given["said"]
    if "raised" in at.session_state:
        at.said.append(str(at.session_state["raised"]))
    return at


@pytest.mark.parametrize("deed", DEEDS)
def test_who_may_not_is_refused_and_logged(deed, given, team):
    """By the highest role that may not, and without login."""
    refused = [role for role in Role if not may({role}, OF[deed], Mode.TEAM)]
    for who in [None, *refused[-1:]]:
        at = do(deed, given, who)
        assert "needs the role" in " ".join(at.said)
        assert team.logged()[-1] == ("refused", who.title() if who else "", OF[deed])
    assert given["done"] == []
    store = LabelStore(given["store"].root)  # as a new reader sees it
    assert [v.status for v in store.versions()] == ["submitted"]
    assert store.class_set().find("blast") is None
    assert [w.id for w in store.withdrawn()] == [given["withdrawn"]]
    assert given["draft"].folder.exists()


@pytest.mark.parametrize("action", Action)
def test_who_may_does_and_it_is_logged(action, given, team):
    who = next(role for role in Role if may({role}, action, Mode.TEAM))
    do(f"callback: {action}", given, who)
    assert given["done"] == [action]
    assert team.logged() == [("done", who.title(), action)]


def test_the_author_is_the_one_who_logged_in(given, team):
    do("submit", given, "annotator")
    mine = next(v for v in given["store"].versions() if v.author == "Annotator" and v.parent)
    assert (mine.status, mine.account) == ("submitted", account("annotator"))
    deed = team.log.deeds()[-1]  # the page, drawn again, tried it again: that draft was gone
    assert (deed.outcome, deed.first.on) == ("done", "smear.png")
    assert mine.id in deed.note


def test_the_reviewer_is_the_one_who_logged_in(given):
    do("review", given, "reviewer")
    now = given["store"].version(given["version"].image, given["version"].id)
    assert (now.status, now.reviewer) == ("accepted", "Reviewer")


def test_nobody_reviews_their_own_work(given, team):
    store = given["store"]
    own = store.save_version(given["version"].image, store.labels(given["version"]), author="Somebody",
                             account=account("reviewer"))  # fmt: skip
    do("review", {**given, "version": own}, "reviewer")  # whatever name it was made under
    assert store.version(own.image, own.id).status == "submitted"
    assert team.logged()[-1] == ("refused", "Reviewer", "review")
    older = store.save_version(own.image, store.labels(own), author="Reviewer")  # from before there were accounts
    do("review", {**given, "version": older}, "reviewer")
    assert store.version(own.image, older.id).status == "submitted"
    team.roles.set_everyone((), own_review=True)
    do("review", {**given, "version": own}, "reviewer")
    assert store.version(own.image, own.id).status == "accepted"


def test_a_role_that_is_taken_away_ends_at_the_next_action(given, team):
    at = do("callback: publish", given, "trainer")
    team.give({"trainer": ()})
    at.run()
    assert given["done"] == [Action.PUBLISH]
    assert team.logged()[-1] == ("refused", "Trainer", "publish")


def test_a_hundred_forged_actions_are_refused_and_logged(given, team, monkeypatch):
    """With claims that no provider signed this server would not see them at all; here they are of no account."""
    monkeypatch.setenv("BCCSEG_MODE", "demo")
    at = AppTest.from_string(
        "import streamlit as st\nfrom tests.ui.test_accounts import DEEDS\n"
        "for deed in ['publish', 'train', 'give roles', 'delete an image for good'] * 25:\n"
        "    DEEDS[f'callback: {deed}'](st.session_state['given'])", default_timeout=60,
    )  # fmt: skip
    at.user = claims("admin") | {"iss": "https://elsewhere.example"}
    at.session_state["given"] = given
    at.run()
    assert not at.exception
    assert given["done"] == []
    assert [line[0] for line in team.logged()] == ["refused"] * 100


def test_on_ones_own_computer_everything_is_allowed_and_nothing_logged(given, team, monkeypatch):
    monkeypatch.setenv("BCCSEG_MODE", "")
    for action in Action:
        do(f"callback: {action}", given)
    assert given["done"] == [*Action]
    assert not team.log.path.exists()


# --- pages


def page(name, who=None, **state):
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    at.user = claims(who) if who else {}
    for key, value in state.items():
        at.session_state[key] = value
    at.run()
    at.switch_page(f"pages/{name}.py").run()
    assert not at.exception, at.exception
    return at


PAGES = ["segment", "studies", "slides", "correct", "collection", "train", "weights", "guide", "settings", "audit"]


@pytest.mark.parametrize("name", PAGES)
def test_a_teams_server_shows_nothing_without_login(name, team):
    at = page(name)
    assert [e.value for e in at.error][:1] == [
        "This server is for a team, but no login is set up. docs/security.md of bccseg says how."
    ]
    assert not at.button
    assert not at.tabs


def test_who_has_no_role_is_told_whom_to_ask(team):
    at = page("collection", "stranger")
    assert "**Stranger**" in at.warning[0].value
    assert "**stranger**" in at.warning[0].value
    assert not at.tabs


def test_a_mode_that_there_is_not_closes_the_door(team, monkeypatch):
    monkeypatch.setenv("BCCSEG_MODE", "everybody")
    at = page("train", "admin")
    assert "everybody" in at.error[0].value
    assert not at.tabs


def test_roles_that_cannot_be_read_close_the_door(team):
    team.roles.path.write_text("{")
    at = page("train", "admin")
    assert at.error
    assert not at.tabs


def test_a_demo_lets_anybody_look_but_not_change(team, monkeypatch, given):
    monkeypatch.setenv("BCCSEG_MODE", "demo")
    at = page("collection")
    assert [tab.label for tab in at.tabs]
    at = page("train")
    assert any("needs the role trainer or admin" in i.value for i in at.info)
    assert "Start training" not in [b.label for b in at.button]
    for name in ("studies", "slides"):
        assert any("needs the role" in i.value for i in page(name).info)
    assert "From the Hugging Face Hub…" not in page("segment").selectbox(key="set_weights").options


def test_a_viewer_looks_at_slides_and_counts_on_none(team, monkeypatch, tmp_path):
    monkeypatch.setenv("BCCSEG_SLIDES", str(tmp_path / "slides"))
    monkeypatch.setattr(SlideRun, "start", lambda _run: pytest.fail("a viewer may not"))
    (tmp_path / "slides").mkdir()
    write_svs(tmp_path / "slides" / "a.svs", np.full((300, 400, 3), 220, np.uint8))
    at = page("slides", "viewer")
    for _ in range(20):
        if not any("Looking at the slide" in c.value for c in at.caption):
            break
        time.sleep(0.2)
        at.run()
    assert any("300" in c.value for c in at.caption)
    assert not {b.label for b in at.button} & {"Count", "Remove this count"}


def test_an_admin_invites_and_gives_roles(team):
    at = page("settings", "admin")
    at.text_input(key="invite_name").set_value("New@Lab.example").run()
    at.multiselect(key="invite_roles").set_value([Role.REVIEWER]).run()
    at.button(key="invite").click().run()
    assert not at.exception
    (invitation,) = team.roles.read().invitations
    assert (invitation.name, invitation.roles, invitation.by) == ("new@lab.example", (Role.REVIEWER,), "Admin")
    assert at.text_input(key="invite_name").value == ""
    at.selectbox(key="person").set_value(account("viewer")).run()
    roles = next(m for m in at.multiselect if m.key.startswith(f"person_roles_{account('viewer')}"))
    roles.set_value([Role.TRAINER]).run()
    at.button(key="person_save").click().run()
    assert team.roles.read().find(account("viewer")).roles == (Role.TRAINER,)
    notes = [d.note for d in team.log.deeds()]
    assert notes == ["viewer to trainer", "invited New@Lab.example: reviewer"]


def test_others_see_no_roles_and_no_audit(team):
    at = page("settings", "trainer")
    assert not [b for b in at.button if b.key == "invite"]
    at = page("audit", "trainer")
    assert not at.dataframe
    assert any("needs the role admin" in i.value for i in at.info)


def test_the_audit_page_filters(team, given):
    do("callback: train", given, "viewer")
    do("callback: train", given, "trainer")
    at = page("audit", "admin")
    assert list(at.dataframe[0].value["outcome"]) == ["done", "refused"]
    at.multiselect(key="audit_who").set_value(["Viewer"]).run()
    assert list(at.dataframe[0].value["outcome"]) == ["refused"]
    at.text_input(key="audit_words").set_value("nothing like it").run()
    assert len(at.dataframe[0].value) == 0


def test_settings_say_the_mode_on_ones_own_computer_too(team, monkeypatch):
    monkeypatch.setenv("BCCSEG_MODE", "local")
    at = page("settings")
    assert at.subheader[0].value == "Mode: Local"
    assert not [b for b in at.button if b.key == "invite"]
    assert not [e for e in at.markdown if "person:" in e.value]


def test_refused_is_an_error_for_people():
    assert str(AccessError("x")) == "x"


# --- what a browser holds


def visit(root, token, who=None):
    """What a browser with this token has, as its pages see it."""
    at = AppTest.from_string(
        "import streamlit as st\nfrom ui.components.local_storage import VISITOR, remember\n"
        "from ui.shared.session import visitor_state\nremember(VISITOR, st.session_state['token'])\n"
        "st.session_state['visit'] = visitor_state()\n", default_timeout=60,
    )  # fmt: skip
    at.user = claims(who) if who else {}
    at.session_state["token"] = token
    at.run()
    assert not at.exception
    return at.session_state["visit"]


def test_what_was_begun_before_the_login_is_the_persons_from_then_on(team, monkeypatch):
    monkeypatch.setenv("BCCSEG_MODE", "demo")
    root, token = team.roles.path.parent.with_name("store"), "ab" * 32
    before = visit(root, token)
    before.note_draft("d1")
    before.waiting.append(WaitingFile(Entry("smear.png", b"bytes")))
    mine = visit(root, token, "annotator")
    assert (mine.drafts, [w.entry.name for w in mine.waiting]) == (["d1"], ["smear.png"])
    assert visit(root, token) is not mine  # after logging out, or for the next person
    assert visit(root, token).drafts == []
    assert visit(root, token).waiting == []
    other = visit(root, token, "reviewer")
    assert (other.drafts, other.waiting) == ([], [])
    assert visit(root, token, "annotator").drafts == ["d1"]


def test_a_browser_that_names_anothers_draft_is_not_offered_it(team):
    at = AppTest.from_string(
        "import streamlit as st\nfrom ui.components.local_storage import remember\n"
        "from ui.shared.handover import known_drafts\nfrom ui.shared.session import visitor_state\n"
        "remember('drafts', 'a,b')\nst.session_state['known'] = known_drafts(visitor_state())\n", default_timeout=60,
    )  # fmt: skip
    at.user = claims("annotator")
    at.run()
    assert at.session_state["known"] == []
