"""What `run` asks of the emulator, and what it holds of one deployment against another. Run by the emulator's own Python, which has boto3."""

import json
import os
import re
import sys
import time
import urllib.request

import boto3

ENDPOINT, REGION, STACK = os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_DEFAULT_REGION"], os.environ["STACK"]

# What holds state: a deployment of code alone touches none of it.
STATE = ("AWS::DynamoDB::", "AWS::S3::", "AWS::KMS::", "AWS::SQS::", "AWS::Backup::")
CODE = {"AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::Alias"}


def client(service):
    return boto3.client(service, region_name=REGION, endpoint_url=ENDPOINT)


def wait(seconds):
    """Waits until the emulator answers."""
    last = None
    for _ in range(int(seconds) * 5):
        try:
            urllib.request.urlopen(f"{ENDPOINT}/_ministack/health", timeout=2).read()
            return
        except OSError as cause:
            last = cause
            time.sleep(0.2)
    sys.exit(f"the emulator does not answer: {last}")


def bucket(name):
    """Makes the bucket that `sam deploy` uploads to."""
    client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def resources():
    found = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
    return {one["LogicalResourceId"]: one for page in found for one in page["StackResourceSummaries"]}


def ids():
    """Logical to physical ids, of everything."""
    return {name: [one["ResourceType"], one["PhysicalResourceId"]] for name, one in resources().items()}


def describe(path):
    """Writes down what the tests need to find their way: nothing of it is a second list of what the template says."""
    found, functions = resources(), {}
    urls = {}
    lambdas = client("lambda")
    for name, one in found.items():
        if one["ResourceType"] == "AWS::Lambda::Url":
            function, _, qualifier = one["PhysicalResourceId"].split(":function:")[-1].partition(":")
            asked = {"FunctionName": function} | ({"Qualifier": qualifier} if qualifier else {})
            urls[function] = lambdas.get_function_url_config(**asked)
    has_aliases = any(one["ResourceType"] == "AWS::Lambda::Alias" for one in found.values())
    for name, one in found.items():
        if one["ResourceType"] == "AWS::Lambda::Function":
            physical = one["PhysicalResourceId"]
            url = urls.get(physical, {})
            functions[name] = {
                "name": physical + (":live" if has_aliases else ""),
                "url": url.get("FunctionUrl"),
                "auth": url.get("AuthType"),
            }
    doors = [one["PhysicalResourceId"] for one in found.values() if one["ResourceType"] == "AWS::CloudFront::Distribution"]
    described = {
        "endpoint": ENDPOINT,
        "region": REGION,
        "front_door": client("cloudfront").get_distribution(Id=doors[0])["Distribution"]["DomainName"],
        "origin_secret": os.environ["ORIGIN_SECRET"],
        "jira_port": int(os.environ["JIRA_PORT"]),
        "functions": functions,
        "resources": {name: {"kind": kind, "id": physical} for name, (kind, physical) in ids().items()},
    }
    with open(path, "w") as file:
        json.dump(described, file, indent=1)
    print(f"{len(found)} resources, {len(functions)} functions, {len(urls)} function URLs")


def mend():
    """The emulator keeps what a parameter of type Number says as text, and its poller of queues then stops at MaximumConcurrency."""
    lambdas = client("lambda")
    for mapping in lambdas.get_paginator("list_event_source_mappings").paginate().search("EventSourceMappings[]"):
        most = mapping.get("ScalingConfig", {}).get("MaximumConcurrency")
        if most is not None:
            lambdas.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": int(most)})


def remember(path):
    """Writes down every physical id."""
    with open(path, "w") as file:
        json.dump(ids(), file)


def same(path):
    """Nothing was replaced, added or removed since."""
    with open(path) as file:
        before = json.load(file)
    after = ids()
    differ = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if differ:
        sys.exit(f"these are not what they were: {differ}")
    print(f"{len(after)} physical ids are what they were")


def only_code(path, changed):
    """The last deployment changed this function's code and nothing else, and everything that holds state is what it was."""
    cloudformation = client("cloudformation")
    # The emulator keeps the last one that was executed, and no other.
    change_set = cloudformation.list_change_sets(StackName=STACK)["Summaries"][-1]["ChangeSetId"]
    pages = cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=change_set, StackName=STACK)
    changes = [change["ResourceChange"] for page in pages for change in page["Changes"]]
    told = [f"{one['Action']} {one['LogicalResourceId']} ({one['ResourceType']})" for one in changes]
    print("changed: " + ", ".join(told))
    # Who names a function's ARN is looked at again when the function changes, and found to be the same.
    looked_at = [one for one in changes if one["Details"] and all(detail.get("Evaluation") == "Dynamic" for detail in one["Details"])]
    code = [one for one in changes if one["ResourceType"] in CODE and one["LogicalResourceId"].startswith(changed)]
    others = [one for one in changes if one not in code and one not in looked_at]
    if others or not code or any(one["ResourceType"].startswith(STATE) for one in changes):
        sys.exit(f"a deployment of code changes more than code, or nothing: {json.dumps(changes, default=str)}")
    with open(path) as file:
        before = json.load(file)
    after = ids()
    lost = sorted(name for name, one in before.items() if one[0] not in CODE and after.get(name) != one)
    state = [one for one in before.values() if one[0].startswith(STATE)]
    if lost or not state:
        sys.exit(f"replaced or lost: {lost}")
    print(f"{len(state)} resources that hold state are what they were")


def parameters(template):
    """The overrides for `sam`, of the parameters that this template has."""
    with open(template) as file:
        section = re.search(r"^Parameters:\n(.*?)^\S", file.read(), re.MULTILINE | re.DOTALL)
    known = set(re.findall(r"^  (\w+):", section.group(1), re.MULTILINE)) if section else set()
    given = {
        "PublicDomain": "eu.lethe.example",
        "CertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-4000-8000-000000000000",
        "OriginSecrets": os.environ.get("ORIGIN_SECRETS", os.environ["ORIGIN_SECRET"]),
        "OriginSecretPresented": os.environ["ORIGIN_SECRET"],
        "InstallKeysUrls": f"http://127.0.0.1:{os.environ['JIRA_PORT']}/install-keys",
        "SiteHosts": f"http://localhost:{os.environ['JIRA_PORT']}",
        "Architecture": os.environ["ARCHITECTURE"],
        "Emulated": "true",
        "Gradual": "false",
    }
    print(" ".join(f"{name}={value}" for name, value in given.items() if name in known))


def at_once(template):
    """Gradual deployment is CodeDeploy's, which the emulator does not know. Its SAM transform reads no parameters but only their defaults, so the
    built template gets as default what is given as parameter."""
    with open(template) as file:
        text = file.read()
    with open(template, "w") as file:
        file.write(re.sub(r"(?m)^(  Gradual:\n(?:    .*\n)*?    Default: ).*$", r"\g<1>'false'", text))


if __name__ == "__main__":
    acts = (wait, bucket, describe, mend, remember, same, only_code, parameters, at_once)
    commands = {act.__name__: act for act in acts}
    commands[sys.argv[1]](*sys.argv[2:])
