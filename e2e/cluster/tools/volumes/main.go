// Volumes serves the end-to-end cluster's default StorageClass from a folder of the machine.
//
// The controller manager's own host-path provisioner makes folders that only root may enter and whose group nobody sets, it
// knows no ReadWriteOncePod, and it cannot grow what it made. This one makes local volumes, as a cloud's driver would: root's,
// given to the pod's fsGroup by the kubelet; grown by writing the new size down; removed when released. It is for tests:
// nothing holds a pod to the size it asked for.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
)

// The annotations by which Kubernetes asks a provisioner for a volume and knows which made one.
const (
	askedOf       = "volume.kubernetes.io/storage-provisioner"
	provisionedBy = "pv.kubernetes.io/provisioned-by"
)

// provisioner turns claims into folders below root.
type provisioner struct {
	name    string
	root    string
	node    string
	client  kubernetes.Interface
	factory informers.SharedInformerFactory
	queue   workqueue.TypedRateLimitingInterface[key]
}

// key names a claim (namespace and name) or a volume (name alone).
type key struct{ namespace, name string }

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	root := flag.String("root", "", "the folder that holds the volumes")
	node := flag.String("node", "", "the node whose folder it is")
	name := flag.String("name", "", "the provisioner named by the storage class")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, *root, *node, *name); err != nil {
		slog.Error("volumes", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kubeconfig, root, node, name string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("read %s: %w", kubeconfig, err)
	}
	config.QPS, config.Burst = 100, 200
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	p := &provisioner{
		name:    name,
		root:    root,
		node:    node,
		client:  client,
		factory: informers.NewSharedInformerFactory(client, 0),
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[key](50*time.Millisecond, 10*time.Second)),
	}
	return p.serve(ctx)
}

// serve handles one object at a time; one that fails comes back later.
func (p *provisioner) serve(ctx context.Context) error {
	for _, informer := range []cache.SharedIndexInformer{
		p.factory.Core().V1().PersistentVolumeClaims().Informer(),
		p.factory.Core().V1().PersistentVolumes().Informer(),
	} {
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    p.enqueue,
			UpdateFunc: func(_, changed any) { p.enqueue(changed) },
		}); err != nil {
			return err
		}
	}
	p.factory.Start(ctx.Done())
	p.factory.WaitForCacheSync(ctx.Done())
	go func() {
		<-ctx.Done()
		p.queue.ShutDown()
	}()
	for {
		item, stopped := p.queue.Get()
		if stopped {
			return nil
		}
		if err := p.handle(ctx, item); err != nil {
			slog.Warn("comes back later", "namespace", item.namespace, "name", item.name, "error", err)
			p.queue.AddRateLimited(item)
		} else {
			p.queue.Forget(item)
		}
		p.queue.Done(item)
	}
}

func (p *provisioner) enqueue(object any) {
	if found, ok := object.(meta.Object); ok {
		p.queue.Add(key{found.GetNamespace(), found.GetName()})
	}
}

func (p *provisioner) handle(ctx context.Context, item key) error {
	if item.namespace == "" {
		volume, err := p.factory.Core().V1().PersistentVolumes().Lister().Get(item.name)
		if err != nil {
			return ignoreMissing(err)
		}
		return p.release(ctx, volume)
	}
	claim, err := p.factory.Core().V1().PersistentVolumeClaims().Lister().PersistentVolumeClaims(item.namespace).Get(item.name)
	if err != nil {
		return ignoreMissing(err)
	}
	if claim.Annotations[askedOf] != p.name || claim.DeletionTimestamp != nil {
		return nil
	}
	if claim.Spec.VolumeName == "" {
		return p.provide(ctx, claim)
	}
	return p.grow(ctx, claim)
}

// folder is where a volume's files are.
func (p *provisioner) folder(volume string) string {
	return filepath.Join(p.root, volume)
}

// provide makes the folder first, so that a volume that exists is one that can be mounted.
func (p *provisioner) provide(ctx context.Context, claim *core.PersistentVolumeClaim) error {
	name := "pvc-" + string(claim.UID)
	if err := os.MkdirAll(p.folder(name), 0o755); err != nil {
		return err
	}
	class, err := p.client.StorageV1().StorageClasses().Get(ctx, *claim.Spec.StorageClassName, meta.GetOptions{})
	if err != nil {
		return err
	}
	policy := core.PersistentVolumeReclaimDelete
	if class.ReclaimPolicy != nil {
		policy = *class.ReclaimPolicy
	}
	_, err = p.client.CoreV1().PersistentVolumes().Create(ctx, &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: name, Annotations: map[string]string{provisionedBy: p.name}},
		Spec: core.PersistentVolumeSpec{
			AccessModes: claim.Spec.AccessModes,
			Capacity:    core.ResourceList{core.ResourceStorage: claim.Spec.Resources.Requests[core.ResourceStorage]},
			ClaimRef: &core.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID, ResourceVersion: claim.ResourceVersion,
			},
			NodeAffinity: &core.VolumeNodeAffinity{Required: &core.NodeSelector{NodeSelectorTerms: []core.NodeSelectorTerm{{
				MatchExpressions: []core.NodeSelectorRequirement{{
					Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{p.node},
				}},
			}}}},
			PersistentVolumeReclaimPolicy: policy,
			PersistentVolumeSource: core.PersistentVolumeSource{
				Local: &core.LocalVolumeSource{Path: p.folder(name)},
			},
			StorageClassName: class.Name,
		},
	}, meta.CreateOptions{})
	if errors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// grow writes a larger size down, first in the volume, then in what the claim has.
func (p *provisioner) grow(ctx context.Context, claim *core.PersistentVolumeClaim) error {
	wanted := claim.Spec.Resources.Requests[core.ResourceStorage]
	held := claim.Status.Capacity[core.ResourceStorage]
	if claim.Status.Phase != core.ClaimBound || wanted.Cmp(held) <= 0 {
		return nil
	}
	volume, err := p.client.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, meta.GetOptions{})
	if err != nil {
		return ignoreMissing(err)
	}
	if volume.Annotations[provisionedBy] != p.name {
		return nil
	}
	if size := volume.Spec.Capacity[core.ResourceStorage]; size.Cmp(wanted) < 0 {
		volume.Spec.Capacity[core.ResourceStorage] = wanted
		if _, err := p.client.CoreV1().PersistentVolumes().Update(ctx, volume, meta.UpdateOptions{}); err != nil {
			return err
		}
	}
	claim = claim.DeepCopy()
	claim.Status.Capacity[core.ResourceStorage] = wanted
	_, err = p.client.CoreV1().PersistentVolumeClaims(claim.Namespace).UpdateStatus(ctx, claim, meta.UpdateOptions{})
	return err
}

// release removes what nobody claims any more, files first: a volume that is gone leaves none behind.
func (p *provisioner) release(ctx context.Context, volume *core.PersistentVolume) error {
	ours := volume.Annotations[provisionedBy] == p.name
	deletes := volume.Spec.PersistentVolumeReclaimPolicy == core.PersistentVolumeReclaimDelete
	if !ours || !deletes || volume.Status.Phase != core.VolumeReleased || volume.DeletionTimestamp != nil {
		return nil
	}
	if err := os.RemoveAll(p.folder(volume.Name)); err != nil {
		return err
	}
	err := p.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, meta.DeleteOptions{
		Preconditions: &meta.Preconditions{UID: &volume.UID},
	})
	return ignoreMissing(err)
}

func ignoreMissing(err error) error {
	if errors.IsNotFound(err) {
		return nil
	}
	return err
}
