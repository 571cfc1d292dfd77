"""Write the model in the box anew: python tests/pretrained.py RUN, the folder of a run of `nnlite train --film`."""

import sys

from nnlite.experiment import Sonnets
from nnlite.experiment.film import read_film
from nnlite.text import pretrained

if __name__ == "__main__":
    run = Sonnets.open(sys.argv[1])
    pretrained.save(run.saved_model(), read_film(run))
