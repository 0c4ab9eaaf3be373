"""The S3 server of the environment variables, as a file system of PyArrow."""

import os
from urllib.parse import urlsplit

import pyarrow.fs


def open_store():
    endpoint = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    return pyarrow.fs.S3FileSystem(
        access_key=os.environ["AWS_ACCESS_KEY_ID"],
        secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        region=os.environ["AWS_REGION"],
        scheme=endpoint.scheme,
        endpoint_override=endpoint.netloc,
    )


def key(url):
    return url.removeprefix("s3://")
