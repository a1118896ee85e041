"""What the origin runs on each node, for several nodes: Kubernetes' own client watches pods, each watch on a connection of
its own, and the node's color follows. Arguments: a kubeconfig, a namespace, `all` to watch all its pods as the origin did,
or `own` to have the API server pick those of the node; then the nodes. Prints "NODE COLOR" where a color changes.
"""

import sys
import threading

from kubernetes import client, config, watch

kubeconfig, namespace, which, *nodes = sys.argv[1:]


def state(pod):
    statuses = pod["status"].get("containerStatuses") or [{}]
    if "deletionTimestamp" in pod["metadata"]:
        return "blue"
    if pod["status"]["phase"] == "Pending":
        return "red" if statuses[0].get("state", {}).get("waiting", {}).get("message") else "yellow"
    return "green" if pod["status"]["phase"] == "Running" else "dark"


def follow(node):
    api = client.CoreV1Api(config.new_client_from_config(kubeconfig))
    pods, shown = {}, None
    narrowed = {"field_selector": f"spec.nodeName={node}"} if which == "own" else {}
    # Events as they are: to make objects of them costs this side more, and the API server nothing.
    for event in watch.Watch(return_type="object").stream(api.list_namespaced_pod, namespace, **narrowed):
        pod = event["object"]
        if pod["spec"].get("nodeName") != node:
            continue
        if event["type"] == "DELETED":
            pods.pop(pod["metadata"]["name"], None)
        else:
            pods[pod["metadata"]["name"]] = state(pod)
        color = next((color for color in ("red", "blue", "yellow", "green") if color in pods.values()), "dark")
        if color != shown:
            shown = color
            sys.stdout.write(f"{node} {color}\n")
            sys.stdout.flush()


threads = [threading.Thread(target=follow, args=(node,)) for node in nodes]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
