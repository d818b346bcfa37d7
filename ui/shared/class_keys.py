"""Which keys can be those of classes: none that does something else on the pages where classes are given."""

TAKE_AWAY = "u"  # gives no class
NEXT_DOUBTFUL = "j"
FREE = (*"123456789", *"gilotwx")  # R and C are Streamlit's own; the other letters are tools and buttons of Correct
