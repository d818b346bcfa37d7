"""The first visit to a server that has just started."""

import re

import pytest
from playwright.sync_api import expect

from .conftest import running_app

pytestmark = pytest.mark.browser
PAGES = [
    re.compile(f"{name}$") for name in ("Segment", "Correct", "Collection", "Train", "Weights", "Guide")
]  # after the icon


def test_a_link_to_a_page_inside_opens_it_with_the_list_of_pages(browser):
    with running_app() as url:
        page = browser.new_page()
        page.goto(f"{url}/guide")
        page.get_by_text("In three steps").wait_for(timeout=30_000)
        links = page.get_by_test_id("stSidebarNavLink")
        expect(links).to_have_text(PAGES)
        links.nth(3).click()
        page.get_by_role("button", name="Start training").wait_for(timeout=30_000)
        expect(links).to_have_text(PAGES)
        page.close()
