"""Every param, once: `make sync` writes schemas/params.schema.json, the comments of each params.yaml and the docs from this.

A param is added here and nowhere else, in PARAMS of the stages that read it, and used. The default is what `make sync` puts into a
params.yaml that lacks the key; the values of a system stand in its own params.yaml and nowhere else. A maximum is the
largest value that somebody may mean.
"""

from plateau.core.definitions.data import DATA
from plateau.core.definitions.knobs import KNOBS, VERSION
from plateau.core.definitions.results import RESULTS
from plateau.core.definitions.training import TRAINING
from plateau.core.param import Definitions, Section

PARAMS: Definitions = (*KNOBS, *DATA, *TRAINING, *RESULTS)
# The keys that a report shows: those of every system, less the version of the file's own form.
SHOWN = tuple(one.name for one in PARAMS if not (isinstance(one, Section) and one.optional) and one is not VERSION)
