"""The contract that every place for state keeps, on moto's S3 and DynamoDB.

usage: contract.py PROGRAM
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from emulated import emulating


def main(program):
    with tempfile.TemporaryDirectory() as work, emulating("moto", program, pathlib.Path(work)):
        env = os.environ | {"INFRA_STATE_ENDPOINT": os.environ["AWS_ENDPOINT_URL"]}
        test = ["cargo", "test", "--quiet", "--workspace", "--test", "backend", "endpoint::"]
        subprocess.run(test, env=env, check=True)


main(*sys.argv[1:])
