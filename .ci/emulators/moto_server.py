"""moto's server, with what moto 5.2 does otherwise than AWS put right here, where everybody sees it.

Each repair says what AWS does. The provider never sends anything else for an emulator's sake: AWS wins.
"""

import fnmatch
import io
import os
import re
import threading
import urllib.parse

# AWS has policies of its own (`AmazonEKSClusterPolicy`); moto has them if it is asked to.
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
# A certificate is valid some time after its record is there. moto looks at no record and waits a minute.
os.environ["MOTO_ACM_VALIDATION_WAIT"] = "1"

from moto import server  # noqa: E402
from moto.ec2 import utils  # noqa: E402
from moto.ec2.models import EC2Backend  # noqa: E402
from moto.ec2.models.instances import Instance  # noqa: E402
from moto.ec2.models.vpcs import VPCEndPoint  # noqa: E402
from moto.iam.access_control import IAMPolicyStatement, PermissionResult  # noqa: E402
from moto.s3.models import FakeDeleteMarker, S3Backend  # noqa: E402
from moto.s3.responses import S3Response  # noqa: E402

# DescribeVpcEndpoints has the filter `vpc-endpoint-id`; moto answers 500 to it. A filter that moto has no word for is
# looked up as an attribute, so this is all it needs.
VPCEndPoint.vpc_endpoint_id = property(lambda endpoint: endpoint.id)


# The values of a filter are alternatives, also where an object has many itself: `association.subnet-id` finds every
# route table of any of these subnets. To moto either all of the object's have to be among them, or they among its own.
def is_filter_matching(it, name, wanted, matching=utils.is_filter_matching):
    has = it.get_filter_value(name)
    if not wanted or has is None or isinstance(has, str) or not hasattr(has, "__iter__"):
        return matching(it, name, wanted)
    return any(fnmatch.fnmatch(value, pattern) for value in has for pattern in wanted)


utils.is_filter_matching = is_filter_matching


# Deleting a NAT gateway and terminating an instance deletes the network interface that came with it. moto keeps both,
# which would look like something that the program forgot.
def delete_nat_gateway(backend, nat_gateway_id, delete=EC2Backend.delete_nat_gateway):
    gateway = delete(backend, nat_gateway_id)
    backend.delete_network_interface(gateway._eni.id)
    return gateway


def attach_eni(instance, interface, device_index, attach=Instance.attach_eni):
    interface.delete_on_termination = interface.delete_on_termination or device_index == 0
    return attach(instance, interface, device_index)


EC2Backend.delete_nat_gateway = delete_nat_gateway
Instance.attach_eni = attach_eni


# The tags that a launch template is made with are its own. moto takes them into what its instances are made from, too.
def create_launch_template(backend, name, description, data, tags, create=EC2Backend.create_launch_template):
    given = data.get("TagSpecifications")
    if given:
        data["TagSpecifications"] = [it for it in given if it["ResourceType"] != "launch-template"]
    return create(backend, name, description, data, tags)


EC2Backend.create_launch_template = create_launch_template


# The element around an answer of S3 has a name of its own, and the SDK takes no other. moto names it after the operation.
ELEMENTS = {
    "GetBucketVersioningResponse": "VersioningConfiguration",
    "GetBucketLifecycleConfigurationResponse": "LifecycleConfiguration",
}


def serialized(response, result, serialize=S3Response.serialized):
    status, headers, body = serialize(response, result)
    for wrong, right in ELEMENTS.items():
        body = body.replace(wrong, right)
    return status, headers, body


S3Response.serialized = serialized


# A folder of a versioned bucket is gone with its last object. moto goes on listing it for the marks of what was deleted.
def list_objects(backend, bucket, *args, listed=S3Backend.list_objects, **others):
    keys, folders, *rest = listed(backend, bucket, *args, **others)
    there = [name for name, key in bucket.keys.items() if not isinstance(key, FakeDeleteMarker)]
    folders = [folder for folder in folders if any(name.startswith(folder) for name in there)]
    return keys, folders, *rest


S3Backend.list_objects = list_objects


# A bucket may refuse calls without TLS. To moto a statement with that condition refuses every call, and there is no TLS
# on this machine: what comes in here stands for a call with it.
def is_action_permitted(statement, *args, decide=IAMPolicyStatement.is_action_permitted, **others):
    conditions = statement._statement.get("Condition", {})
    if "aws:SecureTransport" in conditions.get("Bool", {}):
        return PermissionResult.NEUTRAL
    return decide(statement, *args, **others)


IAMPolicyStatement.is_action_permitted = is_action_permitted


# The file that every call is written to, `SERVICE OPERATION` a line, if somebody counts them.
CALLS = os.environ.get("CALLS")


def named(environ):
    """The service in the signature, and the operation: in a header, in a form, or the path itself."""
    scope = re.search(r"Credential=[^/]*/[^/]*/[^/]*/([^/]*)/", environ.get("HTTP_AUTHORIZATION", ""))
    operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    if not operation:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        form = urllib.parse.parse_qs(body.decode(errors="replace"))
        operation = form.get("Action", [f"{environ['REQUEST_METHOD']}:{environ['PATH_INFO']}"])[0]
    return f"{scope[1] if scope else '-'} {operation}"


# Calls do not disturb each other. moto's threads walk through dictionaries that others change meanwhile.
class OneAtATime(server.DomainDispatcherApplication):
    turn = threading.Lock()

    def __call__(self, environ, start_response):
        with self.turn:
            if CALLS:
                with open(CALLS, "a") as calls:
                    print(named(environ), file=calls)
            return super().__call__(environ, start_response)


server.DomainDispatcherApplication = OneAtATime

server.main()
