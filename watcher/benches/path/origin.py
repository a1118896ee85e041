"""The origin's way: one watch of this node's pods, their phases, and a morph that blocks, for each event and each LED."""

import os
import sys

from blinkstick import blinkstick
from kubernetes import client, config, watch

COLORS = {"failed": (50, 0, 0), "deleting": (0, 0, 50), "pending": (50, 50, 0), "running": (0, 25, 0), None: (0, 0, 0)}


def state(pod):
    if pod.metadata.deletion_timestamp:
        return "deleting"
    if pod.status.phase == "Pending":
        statuses = pod.status.container_statuses or []
        waiting = statuses[0].state.waiting if statuses else None
        return "failed" if waiting and waiting.message else "pending"
    return "running" if pod.status.phase == "Running" else None


config.load_kube_config()
stick = blinkstick.find_first()
if stick is None:
    sys.exit("no BlinkStick")
pods = {}
mine = "spec.nodeName=" + os.environ["NODE_NAME"]
for event in watch.Watch().stream(client.CoreV1Api().list_pod_for_all_namespaces, field_selector=mine):
    pod = event["object"]
    if event["type"] == "DELETED":
        pods.pop(pod.metadata.name, None)
    else:
        pods[pod.metadata.name] = state(pod)
    worst = next((known for known in COLORS if known in pods.values()), None)
    red, green, blue = COLORS[worst]
    for led in range(2):
        stick.morph(index=led, red=red, green=green, blue=blue)
