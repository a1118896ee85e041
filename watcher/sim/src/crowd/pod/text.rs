//! The texts of which pods are made, with gaps. Nothing but texts.

pub(super) const LABELS: &str = r#""labels":{"app.kubernetes.io/instance":"$app",
    "app.kubernetes.io/name":"$app","app.kubernetes.io/part-of":"$namespace"},"#;
pub(super) const LABELS_OF_A_REPLICA_SET: &str = r#""labels":{
    "app.kubernetes.io/instance":"$app","app.kubernetes.io/name":"$app",
    "app.kubernetes.io/part-of":"$namespace","pod-template-hash":"$hash"},"#;
pub(super) const LABELS_OF_A_DAEMON_SET: &str = r#""labels":{"app.kubernetes.io/instance":"$app",
    "app.kubernetes.io/name":"$app","app.kubernetes.io/part-of":"$namespace","controller-revision-hash":"$hash",
    "pod-template-generation":"7"},"#;
pub(super) const LABELS_OF_A_STATEFUL_SET: &str = r#""labels":{"app.kubernetes.io/instance":"$app",
    "app.kubernetes.io/name":"$app","app.kubernetes.io/part-of":"$namespace","apps.kubernetes.io/pod-index":"0",
    "controller-revision-hash":"$hash","statefulset.kubernetes.io/pod-name":"$name"},"#;
pub(super) const LABELS_OF_A_JOB: &str = r#""labels":{"app.kubernetes.io/name":"$app",
    "batch.kubernetes.io/controller-uid":"$ownerid","batch.kubernetes.io/job-name":"$app","controller-uid":"$ownerid",
    "job-name":"$app"},"#;

pub(super) const ANNOTATIONS: &str = r#""annotations":{"prometheus.io/port":"9090","prometheus.io/scrape":"true"},"#;
pub(super) const ANNOTATIONS_WITH_NETWORK: &str = r#""annotations":{"checksum/config":"$digest",
    "k8s.v1.cni.cncf.io/network-status":"[{\n    \"name\": \"cbr0\",\n    \"interface\": \"eth0\",\n    \"ips\": [\n        \"$address\"\n    ],\n    \"default\": true,\n    \"dns\": {}\n}]",
    "prometheus.io/port":"9090","prometheus.io/scrape":"true"},"#;

pub(super) const MANAGED_METADATA: &str = r#""managedFields":[{"manager":"kube-controller-manager","operation":"Update",
    "apiVersion":"v1","time":"$created","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{},
    "f:prometheus.io/port":{},"f:prometheus.io/scrape":{}},
    "f:generateName":{},"f:labels":{".":{},"f:app.kubernetes.io/instance":{},"f:app.kubernetes.io/name":{},
    "f:app.kubernetes.io/part-of":{},"f:pod-template-hash":{}},"f:ownerReferences":{".":{},
    "k:{\"uid\":\"$ownerid\"}":{}}},"f:spec":{"f:containers":{"#;
pub(super) const MANAGED_MAIN: &str = r#""k:{\"name\":\"main\"}":{".":{},"f:args":{},"f:env":{".":{},
    "k:{\"name\":\"LOG_LEVEL\"}":{".":{},"f:name":{},"f:value":{}},
    "k:{\"name\":\"POD_NAME\"}":{".":{},"f:name":{},"f:valueFrom":{".":{},"f:fieldRef":{}}}},
    "f:image":{},"f:imagePullPolicy":{},"f:name":{},
    "f:ports":{".":{},"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{},"f:protocol":{}}},
    "f:readinessProbe":{".":{},"f:httpGet":{".":{},"f:path":{},"f:port":{}},"f:periodSeconds":{}},
    "f:resources":{".":{},"f:limits":{".":{},"f:memory":{}},"f:requests":{".":{},"f:cpu":{},"f:memory":{}}},
    "f:terminationMessagePath":{}}"#;
pub(super) const MANAGED_SIDECAR: &str = r#","k:{\"name\":\"proxy\"}":{".":{},"f:args":{},"f:image":{},"f:imagePullPolicy":{},
    "f:name":{}}"#;
pub(super) const MANAGED_SPEC: &str = r#"},"f:dnsPolicy":{},"f:enableServiceLinks":{},"#;
pub(super) const MANAGED_INIT: &str = r#""f:initContainers":{".":{},"k:{\"name\":\"init\"}":{".":{},"f:command":{},
    "f:image":{},"f:name":{}}},"#;
pub(super) const MANAGED_REST: &str = r#""f:restartPolicy":{},"f:schedulerName":{},
    "f:serviceAccount":{},"f:serviceAccountName":{},"f:terminationGracePeriodSeconds":{},"f:volumes":{".":{},
    "k:{\"name\":\"config\"}":{".":{},"f:configMap":{".":{},"f:defaultMode":{},"f:name":{}},"f:name":{}}}}}}"#;
pub(super) const MANAGED_NETWORK: &str = r#",{"manager":"multus","operation":"Update","apiVersion":"v1","time":"$started",
    "fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{"f:k8s.v1.cni.cncf.io/network-status":{}}}},
    "subresource":"status"}"#;
pub(super) const MANAGED_SCHEDULING: &str = r#",{"manager":"kube-scheduler","operation":"Update","apiVersion":"v1",
    "time":"$created","fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:conditions":{".":{},
    "k:{\"type\":\"PodScheduled\"}":{".":{},"f:lastProbeTime":{},"f:lastTransitionTime":{},"f:message":{},"f:reason":{},
    "f:status":{},"f:type":{}}}}},"subresource":"status"}"#;
pub(super) const MANAGED_STATUS: &str = r#",{"manager":"kubelet","operation":"Update","apiVersion":"v1","time":"$last",
    "fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:conditions":{
    "k:{\"type\":\"Initialized\"}":{".":{},"f:lastProbeTime":{},"f:lastTransitionTime":{},"f:status":{},"f:type":{}},
    "k:{\"type\":\"Ready\"}":{".":{},"f:lastProbeTime":{},"f:lastTransitionTime":{},"f:status":{},"f:type":{}}},
    "f:containerStatuses":{},"f:hostIP":{},"f:hostIPs":{},"f:initContainerStatuses":{},"f:phase":{},"f:podIP":{},
    "f:podIPs":{".":{},"k:{\"ip\":\"$address\"}":{".":{},"f:ip":{}}},"f:startTime":{}}},"subresource":"status"}"#;

pub(super) const VOLUMES: &str = r#""spec":{"volumes":[{"name":"config","configMap":{"name":"$app","defaultMode":420}},
    {"name":"kube-api-access-hx2vq","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},
    {"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},
    {"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}],
    "defaultMode":420}}],"#;
pub(super) const INIT: &str = r#"{"name":"init","image":"registry.example/migrate:2.14.3",
    "command":["/bin/migrate","--wait","--timeout=120s"],"resources":{},"terminationMessagePath":"/dev/termination-log",
    "terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}"#;
pub(super) const MAIN: &str = r#"{"name":"main","image":"registry.example/$app:2.14.3",
    "args":["--listen=:8080","--metrics=:9090","--config=/etc/config/config.yaml"],
    "ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],
    "env":[{"name":"LOG_LEVEL","value":"info"},
    {"name":"POD_NAME","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.name"}}}],
    "resources":{"limits":{"memory":"512Mi"},"requests":{"cpu":"100m","memory":"256Mi"}},
    "volumeMounts":[{"name":"config","readOnly":true,"mountPath":"/etc/config"},{"name":"kube-api-access-hx2vq","readOnly":true,
    "mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],
    "livenessProbe":{"httpGet":{"path":"/healthz","port":"http","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,
    "successThreshold":1,"failureThreshold":3},"readinessProbe":{"httpGet":{"path":"/readyz","port":"http","scheme":"HTTP"},
    "timeoutSeconds":1,"periodSeconds":5,"successThreshold":1,"failureThreshold":3},
    "terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}"#;
pub(super) const SIDECAR: &str = r#",{"name":"proxy","image":"registry.example/platform/proxy:1.28.0",
    "args":["proxy","--log-level=warning"],
    "resources":{"requests":{"cpu":"10m"}},"terminationMessagePath":"/dev/termination-log",
    "terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}"#;
pub(super) const SPEC: &str = r#","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst",
    "nodeSelector":{"kubernetes.io/os":"linux"},"serviceAccountName":"$app","serviceAccount":"$app","#;
pub(super) const SCHEDULING: &str = r#""securityContext":{"fsGroup":2000,"seccompProfile":{"type":"RuntimeDefault"}},
    "schedulerName":"default-scheduler","tolerations":[
    {"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},
    {"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}"#;
pub(super) const TOLERATIONS_OF_A_DAEMON_SET: &str = r#",
    {"key":"node.kubernetes.io/disk-pressure","operator":"Exists","effect":"NoSchedule"},
    {"key":"node.kubernetes.io/memory-pressure","operator":"Exists","effect":"NoSchedule"},
    {"key":"node.kubernetes.io/unschedulable","operator":"Exists","effect":"NoSchedule"}"#;
pub(super) const PRIORITY: &str =
    r#"],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"},"#;

pub(super) const UNSCHEDULABLE: &str = r#"{"type":"PodScheduled","status":"False","lastProbeTime":null,
    "lastTransitionTime":"$created","reason":"Unschedulable","message":"0/5000 nodes are available: 212 node(s) had untolerated
     taint {dedicated: batch}, 4788 Insufficient cpu. preemption: 0/5000 nodes are available: 5000 No preemption victims found
     for incoming pod."}"#;
pub(super) const EVICTED: &str = r#"{"type":"DisruptionTarget","status":"True","lastProbeTime":null,
    "lastTransitionTime":"$last","reason":"TerminationByKubelet","message":"The node was low on resource: memory. Threshold
     quantity: 100Mi, available: 88Mi. "}],"message":"The node was low on resource: memory. Threshold quantity: 100Mi,
     available: 88Mi. ","reason":"Evicted","hostIP":"$host","hostIPs":[{"ip":"$host"}],"startTime":"$created","qosClass":
    "Burstable"}"#;
pub(super) const READY_TO_START: &str = r#"{"type":"PodReadyToStartContainers","status":"True",
    "lastProbeTime":null,"lastTransitionTime":"$started"},"#;
pub(super) const INITIALIZED: &str = r#"{"type":"Initialized","status":"True","lastProbeTime":null,
    "lastTransitionTime":"$started"},"#;
pub(super) const NOT_INITIALIZED: &str = r#"{"type":"Initialized","status":"False","lastProbeTime":null,
    "lastTransitionTime":"$created","reason":"ContainersNotInitialized","message":"containers with incomplete status: [init]"},"#;
pub(super) const READY: &str = r#"{"type":"Ready","status":"True","lastProbeTime":null,
    "lastTransitionTime":"$ready"},{"type":"ContainersReady","status":"True","lastProbeTime":null,
    "lastTransitionTime":"$ready"},"#;
pub(super) const READY_NO_MORE: &str = r#"{"type":"Ready","status":"False","lastProbeTime":null,
    "lastTransitionTime":"$last","reason":"PodCompleted"},{"type":"ContainersReady","status":"False",
    "lastProbeTime":null,"lastTransitionTime":"$last","reason":"PodCompleted"},"#;
pub(super) const NOT_READY: &str = r#"{"type":"Ready","status":"False","lastProbeTime":null,
    "lastTransitionTime":"$last","reason":"ContainersNotReady","message":"containers with unready status: [main]"},
    {"type":"ContainersReady","status":"False","lastProbeTime":null,"lastTransitionTime":"$last",
    "reason":"ContainersNotReady","message":"containers with unready status: [main]"},"#;
pub(super) const SCHEDULED: &str = r#"{"type":"PodScheduled","status":"True","lastProbeTime":null,
    "lastTransitionTime":"$created"}],"#;

pub(super) const INIT_DONE: &str = r#"{"name":"init","state":{"terminated":{"exitCode":0,"reason":"Completed",
    "startedAt":"$created","finishedAt":"$started"}},"lastState":{},"ready":true,
    "restartCount":0,"image":"registry.example/migrate:2.14.3",
    "imageID":"registry.example/migrate@sha256:$digest","containerID":"containerd://$digest","started":false}"#;
pub(super) const INIT_WAITS: &str = r#"{"name":"init","state":{"waiting":{"reason":"PodInitializing"}},"lastState":{},
    "ready":false,"restartCount":0,"image":"registry.example/migrate:2.14.3","imageID":"","started":false}"#;
pub(super) const INIT_CRASHES: &str = r#"{"name":"init","state":{"waiting":{"reason":"CrashLoopBackOff",
    "message":"back-off 5m0s restarting failed container=init pod=$name($uid)"}},"lastState":{"terminated":{"exitCode":2,
    "reason":"Error","startedAt":"$last","finishedAt":"$last"}},"ready":false,
    "restartCount":$restarts,"image":"registry.example/migrate:2.14.3",
    "imageID":"registry.example/migrate@sha256:$digest","containerID":"containerd://$containerid","started":false}"#;

pub(super) const RUNS: &str =
    r#""state":{"running":{"startedAt":"$started"}},"lastState":{},"ready":true,"restartCount":0,"#;
pub(super) const RUNS_AGAIN: &str = r#""state":{"running":{"startedAt":"$started"}},"lastState":{"terminated":{"exitCode":137,
    "reason":"OOMKilled","startedAt":"$created","finishedAt":"$started"}},"ready":true,
    "restartCount":$restarts,"#;
pub(super) const RUNS_UNREADY: &str =
    r#""state":{"running":{"startedAt":"$started"}},"lastState":{},"ready":false,"restartCount":0,"#;
pub(super) const CRASHES: &str = r#""state":{"waiting":{"reason":"CrashLoopBackOff",
    "message":"back-off 5m0s restarting failed container=main pod=$name($uid)"}},"lastState":{"terminated":{"exitCode":1,
    "reason":"Error","startedAt":"$last","finishedAt":"$last"}},"ready":false,
    "restartCount":$restarts,"#;
pub(super) const PULLS: &str = r#""state":{"waiting":{"reason":"ImagePullBackOff","message":"Back-off pulling image
     \"registry.example/$app:2.14.3\": ErrImagePull: failed to pull and unpack image: not found"}},"lastState":{},
    "ready":false,"restartCount":0,"#;
pub(super) const WAITS: &str = r#""state":{"waiting":{"reason":"PodInitializing"}},"lastState":{},"ready":false,
    "restartCount":0,"#;
pub(super) const COMPLETED: &str = r#""state":{"terminated":{"exitCode":0,"reason":"Completed","startedAt":"$started",
    "finishedAt":"$last"}},"lastState":{},"ready":false,"restartCount":0,"#;
pub(super) const FAILED: &str = r#""state":{"terminated":{"exitCode":1,"reason":"Error","startedAt":"$started",
    "finishedAt":"$last"}},"lastState":{},"ready":false,"restartCount":0,"#;
pub(super) const IMAGE_OF_MAIN: &str = r#""image":"registry.example/$app:2.14.3",
    "imageID":"registry.example/$app@sha256:$digest","containerID":"containerd://$containerid","started":true}"#;
pub(super) const IMAGE_OF_SIDECAR: &str = r#""image":"registry.example/platform/proxy:1.28.0",
    "imageID":"registry.example/platform/proxy@sha256:$digest","containerID":"containerd://$digest","started":true}"#;
