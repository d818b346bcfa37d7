"""The first visit to a server that has just started."""

import re

import pytest
from playwright.sync_api import expect

from ui.shared.page import PAGES as LISTED

from .conftest import running_app

pytestmark = pytest.mark.browser
# After the icon; without a login there is no audit to read
PAGES = [re.compile(f"{page.title}$") for page in LISTED if page.title != "Audit"]


def test_a_link_to_a_page_inside_opens_it_with_the_list_of_pages(browser):
    with running_app() as url:
        page = browser.new_page()
        page.set_default_timeout(30_000)
        page.goto(f"{url}/train")
        page.get_by_test_id("stExpander").get_by_text("Settings").click()
        epochs = page.get_by_role("spinbutton", name="Epochs")
        epochs.fill("3")
        epochs.press("Enter")
        page.wait_for_timeout(1500)  # the page has run again: what was opened and typed is still there
        expect(epochs).to_have_value("3")
        expect(page.get_by_role("spinbutton", name="Steps an epoch")).to_be_visible()
        links = page.get_by_test_id("stSidebarNavLink")
        expect(links).to_have_text(PAGES)
        links.filter(has_text="Guide").click()
        page.get_by_text("In three steps").wait_for()
        expect(links).to_have_text(PAGES)
        page.close()
