"""What template.yaml becomes by AWS's own SAM translator: how many resources and how large, and that a changed setting is a new version of
every function. CloudFormation takes 500 resources and 1 MB."""

import collections
import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")

from samtranslator.parser.parser import Parser  # noqa: E402
from samtranslator.translator.translator import Translator  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

MOST_RESOURCES, MOST_BYTES = 500, 1_000_000

with open(sys.argv[1], encoding="utf-8") as file:
    TEXT = file.read()


def transformed(text):
    template = yaml_parse(text)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # A folder is for the SAM CLI to upload; the translator wants to know where to.
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    values = {name: str(parameter.get("Default", "x" * 32)) for name, parameter in template["Parameters"].items()}
    return Translator({}, Parser()).translate(template, values)


def versions(of):
    return {name for name, resource in of["Resources"].items() if resource["Type"] == "AWS::Lambda::Version"}


one = transformed(TEXT)
resources, size = one["Resources"], len(json.dumps(one, separators=(",", ":")))
print(f"template: {len(resources)} resources, {size} bytes transformed")
kinds = collections.Counter(resource["Type"] for resource in resources.values()).most_common(6)
print("template: " + ", ".join(f"{count} {kind}" for kind, count in kinds))
if len(resources) > MOST_RESOURCES or size > MOST_BYTES:
    sys.exit("CloudFormation takes no such template")
other = transformed(TEXT.replace("LETHE_SETTINGS_DIGEST: none", "LETHE_SETTINGS_DIGEST: another"))
if versions(one) & versions(other) or len(versions(one)) != len(versions(other)):
    sys.exit("a changed setting does not make a version of every function, and never reaches `live`")
