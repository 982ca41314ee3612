"""Small sentences and the facts in them, those included that must not be found.

``name=value`` is a fact, ``-name`` one that nobody told, ``!kind`` a symptom (``!kind@5``: from epoch 5, ``#5``: from
step 5, ``<5``: until 5), ``-!kind`` a symptom that was not seen, ``n:name=value`` a labelled number.
"""

from __future__ import annotations

import re

import pytest

from lright.observe.words import Heard, hear

CASES = """
lr=1e-3 | lr=0.001
lr 3e-4 | lr=0.0003
learning rate of 0.001 | lr=0.001
learning_rate: 5e-5 | lr=5e-05
initial lr 0.1 | lr=0.1
my lerning rate is .01 | lr=0.01
with a 1e-3 learning rate | lr=0.001
peak lr 6e-4 | lr=0.0006
lr = 10^-3 | lr=0.001
lr 0,001 | lr=0.001
Adam 1e-3 | lr=0.001 optimizer=adam
SGD(lr=.5) | lr=0.5 optimizer=sgd
adamw @ 3e-4 | lr=0.0003 optimizer=adamw
AdamW with lr 2e-5 and wd 0.05 | lr=2e-05 optimizer=adamw weight_decay=0.05
SGD w/ momentum 0.9 | optimizer=sgd momentum=0.9 -lr
SGD 0.1 momentum 0.9 | lr=0.1 momentum=0.9
SGD with 0.9 momentum | momentum=0.9 -lr
Adam W | optimizer=adamw
Adam, betas=(0.9, 0.95) | beta2=0.95 -lr
AdamW(betas=(0.9, 0.98), lr=1e-3) | beta2=0.98 lr=0.001
what lr should I use? | -lr
should I use lr 0.1 or 0.01? | -lr
Should I use SGD or Adam? | -optimizer
Adam vs SGD for ResNet | -optimizer
I lowered the lr to 1e-4 | -lr
lr=0.1 and lr=0.01 both fail | -lr
the LR is 1e-8 after epoch 30 | -lr
I'm using RMSprop | optimizer=rmsprop
we train with LAMB | optimizer=lamb
trained with Lion, lr 1e-4 | optimizer=lion lr=0.0001
Adafactor is what I use | optimizer=adafactor
schedule-free AdamW | optimizer=schedulefree
gradient clipping at 1.0 | clip=1
clip 0.5 | clip=0.5
mixed precision (bf16) | amp=true
no AMP, plain fp32 | amp=false
fp16 | amp=true
with EMA | ema=true
weight decay 0.1 | weight_decay=0.1
without weight decay | weight_decay=0
bs 2048 | batch_size=2048
bs=1k | batch_size=1000
batch=256 | batch_size=256
batch size of 128 | batch_size=128
batch size is 64 | batch_size=64
batches of 32 | batch_size=32
batchsize 16 | batch_size=16
mini-batches of 100 | batch_size=100
128 per batch | batch_size=128
a 512 batch size | batch_size=512
effective batch 2048 | batch_size=2048 n:global_batch=2048
effective batch size 2048 on 8 GPUs | batch_size=256 processes=8
8 GPUs x 32 | processes=8 batch_size=32
4xA100 | processes=4
4 x V100 | processes=4
on 4 gpus | processes=4
on two GPUs | processes=2
world size 8 | processes=8
a single GPU | processes=1
2 nodes with 8 GPUs | processes=8 n:nodes=2
an A100 with 80 GB | -processes -batch_size
accumulate 4 | accumulation=4
grad accum of 8 | accumulation=8
gradient_accumulation_steps=16 | accumulation=16
accumulate gradients over 4 batches | accumulation=4
8 gradient accumulation steps | accumulation=8
90 epochs | epochs=90
for 100 ep | epochs=100
100ep | epochs=100
epochs=90 | epochs=90
num_train_epochs: 3 | epochs=3
train for 300 ep | epochs=300
a 90-epoch run | epochs=90
ninety epochs of training | epochs=90
thirty-six epochs | epochs=36
3 hundred epochs | epochs=300
I make 80 epoch with it | epochs=80
5 passes over the data | epochs=5
for 20 epcohs | epochs=20
20k steps | steps=20000
100k iters | steps=100000
1.2M iterations | steps=1200000
max_steps=50000 | steps=50000
train for 10,000 updates | steps=10000
1M timesteps | -steps n:timesteps=1000000
300B tokens | tokens=300000000000
2e9 tokens | tokens=2000000000
4096 tokens per batch | -tokens
sequence length 2048 tokens | -tokens
50k images | samples=50000
50,000 samples | samples=50000
1.2M training images | samples=1200000
1.2 million images | samples=1200000
a dataset of 25,000 images | samples=25000
9k chest x-ray images | samples=9000
batch of 64 images | -samples
2000 validation images | -samples
500 images per class | -samples
391 batches per epoch | batches_per_epoch=391 -epochs -batch_size
steps_per_epoch=250 | batches_per_epoch=250
20 epochs of 500 batches | epochs=20 batches_per_epoch=500
epoch 10 of 20 | epochs=20
epoch 10/20 | epochs=20
loss goes NaN at epoch 10 of 20 | epochs=20 !nan@10
after epoch 20 | -epochs
by epoch 3 | -epochs
the first 5 epochs | -epochs
every 30 epochs | -epochs
the last 10 epochs | -epochs
stuck for 10 epochs | -epochs
patience of 5 epochs | -epochs n:patience=5
no warmup | warmup=0
without warmup | warmup=0
I haven't used any warmup | warmup=0
w/o warm-up | warmup=0
didn't use warmup | warmup=0
no lr warmpu | warmup=0
5 epochs of warmup | warmup=5ep -epochs
5 warmup epochs | warmup=5ep -epochs
5-epoch linear warmup, 90 epochs | warmup=5ep epochs=90
warmup 10% | warmup=10%
10% warmup | warmup=10%
warmup for the first 5 epochs | warmup=5ep
warmup_steps=500 | warmup=500_updates
2k steps of warmup | warmup=2000_updates
warmup over 1000 steps | warmup=1000_updates
warmup ratio 0.06 | warmup=6%
warmup_epochs=5 | warmup=5ep
do I need warmup? | -warmup
should I add 5 epochs of warmup? | -warmup
linear warmup 0 to 1e-3 over 4000 steps | warmup=4000_updates lr=0.001
from scratch | pretrained=false
random init | pretrained=false
weights random, nothing pretrained | pretrained=false
fine-tune BERT | pretrained=true
finetuning a ViT | pretrained=true
transfer learning | pretrained=true
pretrained=False | pretrained=false
Pretraining a GPT | -pretrained
post-LN transformer | norm=post
pre-norm encoder | norm=pre
LoRA r=16 | adapter=lora
ResNet-50 on ImageNet | dataset=imagenet samples=1281167
CIFAR-10 | dataset=cifar10 samples=50000
resnet-50 with ImageNet weights on my 5k photos | samples=5000 -dataset
fashion mnist | dataset=fashion-mnist samples=60000
a small CNN | family=cnn
an LSTM | family=rnn
U-Net segmentation | domain=segmentation family=unet
object detection | domain=detection
train a GAN | domain=gan
machine translation | domain=translation
in pytorch lightning | framework=lightning
HF Trainer | framework=transformers
I use timm | framework=timm
tf.keras | framework=keras
jax with optax | framework=optax
like fastai recommends | -framework
CosineAnnealingLR | scheduler=CosineAnnealingLR
cosine annealing over 100 epochs | scheduler=CosineAnnealingLR epochs=100
I'm using one cycle | scheduler=OneCycleLR
reduce on plateau with patience 5 | scheduler=ReduceLROnPlateau n:patience=5 -!plateau
step decay | scheduler=StepLR
SGDR | scheduler=CosineAnnealingWarmRestarts
noam schedule | scheduler=noam
WSD | scheduler=get_wsd_schedule
no scheduler | scheduler=constant
without a schedule | scheduler=constant
constant lr 0.01 | scheduler=constant lr=0.01
lr=0.001 (constant) | scheduler=constant lr=0.001
--lr_scheduler=constant | scheduler=constant
lr_policy: null | scheduler=constant
Should I use cosine or step decay? | -scheduler
Why not just use a constant learning rate? | -scheduler
Should I keep the learning rate constant? | -scheduler -!lr-constant
Swapped ReduceLROnPlateau for OneCycleLR | scheduler=OneCycleLR
scheduler.step() after each epoch | ticked=epoch
scheduler.step() per batch | ticked=batch
I call scheduler.step() inside the batch loop | ticked=batch
I step the scheduler once per epoch and again after every batch | ticked=both
Should I call scheduler.step() every batch or every epoch? | -ticked
as fast as possible | goal=fast
reproduce the paper | goal=reproduce
I don't know how long I'll train | goal=open-end
T_max=100 and eta_min=1e-5 | n:T_max=100 floor=1e-05
StepLR(opt, 30, 0.1) | scheduler=StepLR n:step_size=30 n:gamma=0.1
OneCycleLR(opt, max_lr=0.1) | lr=0.1 n:max_lr=0.1
The paper uses lr 0.1 with batch size 256, mine is bs 2048 | reference_lr=0.1 reference_batch=256 batch_size=2048 -lr
lr 0.1 works fine at batch size 256 | reference_lr=0.1 reference_batch=256
batch size from 256 to 2048 | reference_batch=256 batch_size=2048
Do I set lr 0.4 or 0.2? | -lr
a bit better with CLIP | model=clip
val MAE is 0.3 | -model
lr = base_lr * (1 - it/max_iter)**0.9 | -lr
its been 8 epochs with no change | -epochs
loss 0.21 for like 9 epochs | -epochs
val loss has been at 0.19 for 7 epochs | -epochs
It's been like this for 20 epochs | -epochs
loss on the dev set 0.55 for 6 epochs straight | -epochs
I train with lr 0.1 for 90 epochs | epochs=90 lr=0.1
one lr for the whole run | -lr
step or cosine? | -scheduler
reduce lr when it stalls? | -scheduler
I'm stuck on a plateau | -scheduler
8 envs x 128 steps | -steps
for a few hundred iterations | -steps
64x64 images | -samples
Val set has only 200 images | -samples
no EMA warmup | -warmup
everyone uses cosine | -scheduler
people say "we use SGD with lr 0.1 and cosine" in papers | -optimizer -lr -scheduler
lr *= 0.5 | -lr
as in the WideResNet paper | -model
switched from AdamW8bit (unet 1e-4, te 5e-5) to Prodigy | optimizer=prodigy
100 epochs total | epochs=100
Would a StepLR fix it? | -scheduler
comparing WSD with cosine | -scheduler
FT-Transformer | -pretrained
my head hurts | -!worse
loss goes to nan | !nan
the lr is going to zero too fast | !lr-near-zero
yet before the first epoch is over my lr is at 1e-9 | !lr-near-zero@1
stuck!! loss 0.55, began at epoch 19 | !plateau
validation MSE fell to 0.08, then nothing | !plateau
went well at first, now the loss won't budge | !plateau
I'm trying to train with SGD | optimizer=sgd
PPO on Atari | algorithm=ppo
7B tokens and 1.3B params | tokens=7000000000 parameters=1300000000
val loss plateaued after epoch 20 | !plateau@20
the loss flatlined | !plateau
accuracy stuck at 0.8 since epoch 12 | !plateau@12
loss no longer goes down after epoch 30 | !plateau@30
validation loss stopped improving | !plateau
val loss isn't improving | !plateau
it diverges at step 1000 | !diverged#1000
loss explodes after 500 steps | !diverged#500
loss blows up around epoch 3 | !diverged@3
loss becomes NaN | !nan
I get NaNs in the first 5 epochs | !nan@0<5
never NaN | -!nan
no NaNs, no spikes | -!nan -!spike
loss never diverged | -!diverged
will it diverge if I use 0.1? | -!diverged
to avoid NaN I clip at 1 | -!nan clip=1
training is very unstable around epoch 10 | !unstable@10
loss oscillates | !unstable
loss spikes at epoch 7 | !spike@7
loss curve is noisy | !noisy
model overfits | !overfit
val loss goes up while train loss goes down | !overfit
not overfitting | -!overfit
LR is near zero after 3 epochs | !lr-near-zero@3
lr decays way too fast | !lr-near-zero
lr goes back up after epoch 50 | !lr-rises@50
the lr never changes | !lr-constant
the lr doesn't change | !lr-constant
lr doesn't reach zero at the end | !lr-not-zero
predicts the same class for every input | !stuck
loss stuck at 2.303 from the start | !stuck
accuracy at chance level | !stuck
it doesn't learn | !stuck
loss jumps after I resume from the checkpoint | !restart-jump
ValueError: Tried to step 101 times | !raises
KeyError when loading | !raises
training error is 0.1 | -!raises
loss goes down slowly | !slow
After epoch 10 it stabilizes. Before it the loss spikes. | !spike<10
""".strip().split("\n")


def mistakes(heard: Heard, wanted: str) -> list[str]:
    """What was wanted and is not so."""
    setting = heard.setting
    wrong = []
    for one in wanted.split():
        if one.startswith("-!"):
            held = setting.saw(one[2:]) is None
        elif one.startswith("!"):
            held = _saw(heard, one[1:])
        elif one.startswith("-"):
            held = one[1:] not in setting
        elif one.startswith("n:"):
            name, _, value = one[2:].partition("=")
            held = float(value) in heard.numbers.get(name, ())
        else:
            name, _, value = one.partition("=")
            held = name in setting and _text(setting[name]) == value
        if not held:
            wrong.append(one)
    return wrong


def _text(value: object) -> str:
    return str(value).replace(" ", "_").replace("True", "true").replace("False", "false")


def _saw(heard: Heard, wanted: str) -> bool:
    found = re.fullmatch(r"([a-z-]+)(?:@([\d.]+))?(?:#([\d.]+))?(?:<([\d.]+))?", wanted)
    assert found
    kind, epoch, step, until = found.groups()
    seen = [one for one in heard.setting.symptoms if one.kind == kind]
    wanted_times = [None if one is None else float(one) for one in (epoch, step, until)]
    return any(
        all(want is None or want == got for want, got in zip(wanted_times, (one.epoch, one.step, one.until)))
        for one in seen
    )


@pytest.mark.parametrize("case", CASES)
def test_sentence(case: str) -> None:
    sentence, _, wanted = case.rpartition(" | ")
    heard = hear(sentence)
    assert not mistakes(heard, wanted), (heard.spans(), heard.numbers)


def test_there_are_many() -> None:
    assert len(CASES) >= 150
