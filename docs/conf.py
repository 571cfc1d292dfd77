"""How the documentation is built: make docs.

Pages are Markdown; those that begin with a notebook's head are executed while they are built, so that what they show is
what this version does. Nothing is fetched from a network, neither by the build nor by whoever reads the pages.
"""

import logging
import os
import sys
from pathlib import Path

import nnlite

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

import reference  # noqa: E402  one of them

# For the notebooks' kernels, which inherit it. Settings of IPython that a user may have stay out, and so does what a
# kernel says of itself: for each page, that it listens on this computer without encryption.
profile = HERE / "_build" / "ipython" / "profile_default"
profile.mkdir(parents=True, exist_ok=True)
(profile / "ipython_kernel_config.py").write_text('get_config().IPKernelApp.log_level = "ERROR"\n', encoding="utf-8")
os.environ["IPYTHONDIR"] = str(profile.parent)
os.environ["MATPLOTLIBRC"] = str(HERE / "matplotlibrc")
logging.getLogger("traitlets").setLevel("WARNING")

project = "nnlite"
author = copyright = "The nnlite developers"
version = release = nnlite.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.linkcode",
    "docstrings",
    "house",
    "live",
    "mathml",
    "notebooks",
    "reference",
    "sources",
]
exclude_patterns = ["_build"]

# The reference: signatures without types, which the docstrings give with the shapes.
autodoc_typehints = "none"
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autosummary_generate = False
napoleon_use_param = napoleon_use_rtype = False
napoleon_custom_sections = [("Arguments", "params_style"), ("Attributes", "params_style")]
toc_object_entries_show_parents = "hide"
smartquotes_action = "De"  # dashes: what is in quotes is mostly code, such as "val_loss"
linkcode_resolve = reference.source

myst_enable_extensions = ["dollarmath"]
html_math_renderer = "mathml"

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
html_js_files = ["search.js"]
