"""The same with Kubernetes' official client for Python: follows all pods, and keeps the state of each."""

import sys

from kubernetes import client, watch

configuration = client.Configuration()
configuration.host = sys.argv[1]
listed, events = int(sys.argv[2]), int(sys.argv[3])
pods = client.CoreV1Api(client.ApiClient(configuration)).list_pod_for_all_namespaces


def state(pod):
    for container in pod.status.container_statuses or []:
        if container.state.waiting:
            return container.state.waiting.reason
    return pod.status.phase


states = {}
count = 0
for event in watch.Watch().stream(pods):
    pod = event["object"]
    states[pod.metadata.uid] = (pod.spec.node_name, state(pod))
    count += 1
    if count == listed:
        print("ready", flush=True)
    if count == listed + events:
        print("done", flush=True)
        break
sys.stdin.read()
