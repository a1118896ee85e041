"""What the origin runs on each node: Kubernetes' own client watches pods, the BlinkStick library morphs the stick to
what they are. Argument: the URL of the API.
"""

import sys

from blinkstick import blinkstick
from kubernetes import client, watch

stick = blinkstick.find_first()
api = client.CoreV1Api(client.ApiClient(client.Configuration(host=sys.argv[1])))
for event in watch.Watch().stream(api.list_namespaced_pod, "default"):
    if event["object"].status.phase == "Running":
        for led in 0, 1:
            stick.morph(index=led, red=0, green=25, blue=0)
