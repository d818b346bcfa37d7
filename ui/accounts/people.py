"""Roles of people: those who have been here, those who are invited, and the rules for everybody else."""

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from bccseg.accounts.roles import ROLE_WORDS, Action, Role, who_may
from bccseg.accounts.rules import AccountRule, RolesFile
from bccseg.accounts.server import ServerSettings
from bccseg.config import INVITATION_DAYS
from ui.shared.account import allowed, at_work, guarded, roles_store
from ui.shared.errors import plain

INVITE_HELP = "User name at the login provider, or an e-mail address that the provider has confirmed."
INVITED = (
    f"An invitation holds for {INVITATION_DAYS} days and once: whoever first logs in under the name has the roles."
)
TRUST = "Only addresses count that the provider says it has confirmed."


def show_people() -> None:
    """Everything about roles; for admins."""
    if not at_work().shared:
        return
    if not allowed(Action.GIVE_ROLES):
        st.caption(f"Roles are given here by people with the role {who_may(Action.GIVE_ROLES)}.")
        return
    rules = roles_store().read()
    st.subheader("People", anchor=False)
    _show_accounts(rules)
    _show_invitations(rules)
    _show_rules(rules)
    _show_everyone(rules)


def _said(roles: tuple[Role, ...]) -> str:
    return ", ".join(roles) or "none"


def _ask_roles(key: str, default: tuple[Role, ...] = (), label: str = "Roles") -> None:
    st.session_state.setdefault(key, [*default])
    st.multiselect(label, [*Role], key=key, placeholder="none", width=360,
                   help="  \n".join(f"**{role}**: {words}" for role, words in ROLE_WORDS.items()))  # fmt: skip


def _chosen(key: str) -> tuple[Role, ...]:
    """As typed a moment ago, in the order of the roles."""
    return tuple(role for role in Role if role in st.session_state[key])


def _do(change: Callable[[], str], on: str = "") -> Callable[..., None]:
    return guarded(Action.GIVE_ROLES, change, on=on)


def _show_accounts(rules: RolesFile) -> None:
    if not rules.accounts:
        st.caption("Nobody with a role has logged in yet.")
        return
    admins = ServerSettings.read()
    table = pd.DataFrame(
        [{"Name": one.name, "Own roles": "blocked" if one.blocked else _said(one.roles), "Login": one.issuer,
          "Account": one.account} for one in rules.accounts]
    )  # fmt: skip
    st.dataframe(table, hide_index=True, key="people_table", height="content" if len(table) < 9 else 320)
    st.caption("Own roles stand beside those of organisation, domain and everybody. " + (
        "Admins whom the server's owner has named are admins whatever stands here."
        if admins.admins or admins.creator else ""
    ))  # fmt: skip
    by_account = {one.account: one for one in rules.accounts}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        pick = st.selectbox(
            "Person", list(by_account), format_func=lambda a: by_account[a].name, width=240, key="person"
        )
        if pick is None:
            return
        one = by_account[pick]
        state = hash((one.roles, one.blocked))  # what another admin changed meanwhile is shown
        _ask_roles(f"person_roles_{pick}_{state}", one.roles)
        st.toggle("Blocked", one.blocked, key=f"person_blocked_{pick}_{state}", help="Has no role at all.")
        st.button("Save", icon=":material/check:", key="person_save",
                  on_click=_do(partial(_set_account, one, f"{pick}_{state}"), on=one.name))  # fmt: skip


def _set_account(one: AccountRule, key: str) -> str:
    roles, blocked = _chosen(f"person_roles_{key}"), bool(st.session_state[f"person_blocked_{key}"])
    roles_store().set_account(one.account, roles, blocked=blocked)
    return f"{_said(one.roles)} to {'blocked' if blocked else _said(roles)}"


def _show_invitations(rules: RolesFile) -> None:
    st.subheader("Invite", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name", key="invite_name", max_chars=200, width=280, placeholder="ann or ann@lab.example",
                      help=INVITE_HELP)  # fmt: skip
        _ask_roles("invite_roles")
        st.button("Invite", icon=":material/person_add:", type="primary", key="invite", on_click=_do(_invite))
    st.caption(INVITED)
    for one in rules.invitations:
        with st.container(horizontal=True, vertical_alignment="center"):
            ended = "" if one.open() else " :gray[ended]"
            st.markdown(f"**{plain(one.name)}**: {_said(one.roles)}, by {plain(one.by)} on {one.time[:10]}{ended}")
            st.button("Take back", icon=":material/undo:", key=f"uninvite_{one.name}", type="tertiary",
                      on_click=_do(partial(_take_back, one.name), on=one.name))  # fmt: skip


def _invite() -> str:
    name, roles = st.session_state["invite_name"], _chosen("invite_roles")
    roles_store().invite(name, roles, at_work().person.name)
    st.session_state["invite_name"], st.session_state["invite_roles"] = "", []
    return f"invited {name}: {_said(roles)}"


def _take_back(name: str) -> str:
    roles_store().take_back_invitation(name)
    return "invitation taken back"


def _show_rules(rules: RolesFile) -> None:
    st.subheader("Organisations and domains", anchor=False)
    for rule in rules.organisations:
        there = f" as {plain(rule.role_there)}" if rule.role_there else ""
        _show_rule(f"Members of **{plain(rule.organisation)}**{there}: {_said(rule.roles)}",
                   partial(_drop_organisation, rule.organisation, rule.role_there),
                   f"org_{rule.organisation}_{rule.role_there}")  # fmt: skip
    for rule in rules.domains:
        _show_rule(f"Addresses at **{plain(rule.domain)}**: {_said(rule.roles)}",
                   partial(_drop_domain, rule.domain), f"domain_{rule.domain}")  # fmt: skip
    with st.expander("Add a rule", icon=":material/add:"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input("Organisation or group", key="org_name", max_chars=200, width=220)
            st.text_input("Role there", key="org_role", max_chars=40, width=140, placeholder="any",
                          help="On Hugging Face: admin, write, contributor or read.")  # fmt: skip
            _ask_roles("org_roles", label="Roles here")
            st.button("Add", key="org_add", on_click=_do(_add_organisation))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input("E-mail domain", key="domain_name", max_chars=200, width=220, placeholder="lab.example",
                          help=TRUST)  # fmt: skip
            _ask_roles("domain_roles", label="Roles here")
            st.button("Add", key="domain_add", on_click=_do(_add_domain))


def _show_rule(words: str, drop: Callable[[], str], key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(words)
        st.button("Remove", icon=":material/delete:", key=f"drop_{key}", type="tertiary", on_click=_do(drop))


def _add_organisation() -> str:
    name, there, roles = st.session_state["org_name"], st.session_state["org_role"], _chosen("org_roles")
    roles_store().set_organisation(name, there, roles)
    st.session_state["org_name"], st.session_state["org_role"] = "", ""
    return f"members of {name} {there}: {_said(roles)}"


def _drop_organisation(name: str, there: str) -> str:
    roles_store().set_organisation(name, there, ())
    return f"members of {name} {there}: none"


def _add_domain() -> str:
    domain, roles = st.session_state["domain_name"], _chosen("domain_roles")
    roles_store().set_domain(domain, roles)
    st.session_state["domain_name"] = ""
    return f"addresses at {domain}: {_said(roles)}"


def _drop_domain(domain: str) -> str:
    roles_store().set_domain(domain, ())
    return f"addresses at {domain}: none"


def _show_everyone(rules: RolesFile) -> None:
    st.subheader("Everybody", anchor=False)
    state = hash((rules.everyone, rules.own_review))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _ask_roles(f"everyone_{state}", rules.everyone, "Roles of all who can log in")
        st.toggle("People may review their own work", rules.own_review, key=f"own_review_{state}",
                  help="Off: somebody else decides on what a person submitted.")  # fmt: skip
        st.button("Save", icon=":material/check:", key="everyone_save", on_click=_do(partial(_set_everyone, state)))


def _set_everyone(state: int) -> str:
    roles, own = _chosen(f"everyone_{state}"), bool(st.session_state[f"own_review_{state}"])
    roles_store().set_everyone(roles, own_review=own)
    return f"everybody: {_said(roles)}; own work may {'' if own else 'not '}be reviewed"
