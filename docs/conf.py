"""How the documentation is built: make docs.

Pages are Markdown; those that begin with a notebook's head are executed while they are built, so that what they show is
what this version does. Nothing is fetched from a network, neither by the build nor by whoever reads the pages.
"""

import nnlite

project = "nnlite"
author = copyright = "The nnlite developers"
version = release = nnlite.__version__

extensions = ["myst_nb"]
exclude_patterns = ["_build"]

# Notebooks: all of each page or nothing. A page that takes longer than this has taken on too much.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_timeout = 90
nb_execution_raise_on_error = True
nb_merge_streams = True

myst_heading_anchors = 3

html_theme = "furo"
html_title = "nnlite"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0a5c99", "color-brand-content": "#0a5c99"},
    "dark_css_variables": {"color-brand-primary": "#6fb4e6", "color-brand-content": "#6fb4e6"},
}
html_static_path = ["_static"]
html_css_files = ["pages.css"]
