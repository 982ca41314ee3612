"""The words of the trade: phrases, and the one tag that all phrases of a meaning share.

A phrase is compared without blanks, hyphens, underscores and case: "learning rate" also says learning-rate,
learning_rate and LearningRate. Words are compared in their base form (see VERBS) and without FILLERS.
``python -m lright.observe.words.build`` compiles all of it to compiled.json, which is what is read at run time.
"""

from __future__ import annotations

# What the patterns of the grammar and the tables of the symptoms name in capitals.
PHRASES = {
    "LR":
        "lr, learning rate, learn rate, lrate, learning rates, lrs, base lr, base learning rate, initial lr, initial "
        "learning rate, init lr, lr init, starting lr, starting learning rate, start lr, default lr, default learning "
        "rate, peak lr, peak learning rate, lr peak, step size of the optimizer, highest lr, lr rate, learningrate, "
        "target lr, inital learning rate, init learning rate, top lr, max learn rate",
    "MAXLR": "max lr, maximum lr, max learning rate, maximum learning rate, lr max",
    "MINLR":
        "min lr, minimum lr, minimum learning rate, min learning rate, eta min, lr min, final lr, end lr, lr floor, "
        "floor lr, lr end, final learning rate, end learning rate, lowest lr, minlr, learning rate floor",
    "CONSTLR":
        "constant lr, fixed lr, constant learning rate, fixed learning rate, flat lr, flat learning rate, static lr, "
        "static learning rate, unscheduled lr, constant step size",
    "BATCHSIZE":
        "batch size, bs, bsz, mini batch size, micro batch size, per device train batch size, per device batch size, "
        "train batch size, per gpu batch size, per gpu train batch size, local batch size, training batch size, batch "
        "sizes, micro batch, per device batch, per gpu batch, batchsz, samples per gpu, images per gpu, imgs per gpu, "
        "ims per batch, videos per gpu, minibatch size, physical batch, physical batch size",
    "BATCH": "batch, mini batch, minibatches, mini batches, batches",
    "GLOBALBATCH":
        "effective batch size, effective batch, global batch size, global batch, total batch size, total batch, "
        "effective bs, global bs, eff batch, effective batchsize, eff batch size",
    "ACCUM":
        "gradient accumulation steps, gradient accumulation, grad accum, grad accumulation, grad accum steps, "
        "accumulation steps, accum steps, accumulate grad batches, grad acc, grad acc steps, accumulation, accum, "
        "accumulate gradients, accumulate, accumulate grads, accumulating gradients, accumulate gradient, iters to "
        "accumulate, gradient accum, grad accums, update freq, accum iter, gradient acc",
    "GPU":
        "gpu, gpus, a100, a100s, v100, v100s, h100, h100s, h200, h200s, tpu cores, tpus, a6000, 3090s, 4090s, p100, "
        "p100s, t4s, devices, cards, ranks, gpu cards, processes, a40s, a10gs, l40s, mi250x, nvidia a100, rtx",
    "WORLD": "world size, nproc per node, num processes, num gpus, n gpus, ngpus, number of gpus, gpu count",
    "NODE": "nodes, machines, hosts",
    "EPOCH": "epoch, epoche, epochen",
    "EPOCHS":
        "epochs, ep, eps, epos, passes over the data, passes over the dataset, full passes, passes over the training "
        "set, passes",
    "NEPOCHS":
        "num epochs, n epochs, max epochs, num train epochs, number of epochs, total epochs, nb epochs, train epochs, "
        "training epochs, nepochs, max epoch, num epoch, epochs total, n epoch, total epoch",
    "STEP": "step, iteration, iter, update, optimizer step, training step, gradient step",
    "STEPS":
        "steps, iterations, iters, updates, optimizer steps, optimizer updates, training steps, gradient steps, train "
        "steps, gradient updates, optimization steps, weight updates, training iterations, optimiser steps, optimiser "
        "updates, param updates, parameter updates, opt steps",
    "NSTEPS":
        "max steps, total steps, num training steps, max train steps, num train steps, total training steps, max "
        "iters, total iters, max iter, number of steps, num steps, total iterations, max iterations, train iters, max "
        "updates, max update, total updates, number of training steps, number of updates, total num steps",
    "STEPSPEREPOCH":
        "steps per epoch, batches per epoch, iterations per epoch, iters per epoch, updates per epoch, step per "
        "epoch, batches an epoch, steps an epoch, iterations an epoch, batches each epoch, batches in an epoch, iters "
        "an epoch, minibatches per epoch, batches every epoch, steps in an epoch, batches in each epoch, optimizer "
        "steps per epoch, steps each epoch, iterations each epoch, num batches",
    "TIMESTEPS":
        "timesteps, total timesteps, env steps, environment steps, frames, env frames, environment frames, "
        "interactions, time steps, diffusion steps, denoising steps, sampling steps, noise steps",
    "TOKENS": "tokens, toks, training tokens",
    "SAMPLES":
        "samples, images, examples, image, sample, slices, crops, picture, photo, sentence, training samples, "
        "training images, training examples, train images, train samples, imgs, sentences, sentence pairs, "
        "utterances, rows, records, datapoints, data points, pairs, documents, docs, clips, pics, pictures, photos, "
        "train examples, reviews, tweets, instances, labeled images, labelled images, labeled samples, labelled "
        "samples, labeled examples, labelled examples, instruction pairs, training rows, questions, molecules, scans, "
        "graphs, patients, observations, training pairs, train imgs, training imgs, training points, training "
        "instances, image pairs, spectrograms, tiles, training data points, training sentences, items",
    "DATASIZE":
        "dataset size, training set size, train set size, number of samples, num samples, n samples, num train, "
        "number of images, number of training samples, number of training images, number of examples, n train, "
        "trainset size, data size, size of the dataset",
    "WARMUP":
        "warmup, warm up, warmups, warmed up, warming up, lr warmup, linear warmup, learning rate warmup, warm ups, "
        "linear lr warmup, linear learning rate warmup, rampup, ramp up, lr ramp up, linear warm ups, warmup period, "
        "warmup phase, linear warmup phase, ramping up, cosine warmup, exponential warmup, gradual warmup, burn in",
    "WARMUPSTEPS":
        "warmup steps, num warmup steps, warmup iters, warmup updates, n warmup steps, warmup iterations, lr warmup "
        "steps, number of warmup steps, warmup step, warmup num steps",
    "WARMUPEPOCHS": "warmup epochs, num warmup epochs, warmup epoch, n warmup epochs, warmup ep, lr warmup epochs",
    "WARMUPRATIO": "warmup ratio, warmup fraction, warmup proportion, warmup frac, warmup pct, warmup percentage",
    "MOMENTUM": "momentum, mom, nesterov momentum",
    "WD": "weight decay, wd, weightdecay, l2 regularization, l2 penalty, decoupled weight decay",
    "BETAS": "betas",
    "BETA2": "beta2, beta 2, adam beta2, beta two",
    "CLIP":
        "clip, clipping, gradient clipping, grad clip, grad clipping, clip grad norm, gradient clip, clip norm, max "
        "grad norm, grad norm clip, gradient clip val, gradient norm clipping, clip grad, clipped, clip gradients, "
        "clipnorm, grad norm clipping, clip the gradients, clip value, clip gradient norm, clip gradients to, "
        "clipping gradients",
    "PARAMS": "params, parameters, param, parameter, trainable params, trainable parameters, weights in total",
    "DMODEL": "d model, dmodel, hidden size, model dim, embedding dim, hidden dim, embed dim, model dimension",
    "PATIENCE": "patience, patience t",
    "COOLDOWN": "cooldown, cool down",
    "FACTOR": "factor, decay factor, lr factor, reduction factor",
    "THRESHOLD": "threshold, min delta",
    "GAMMA": "gamma, decay rate",
    "STEPSIZE": "step size, stepsize, lr step size, step lr size",
    "MILESTONES": "milestones, milestone, milestone epochs",
    "TMAX": "t max, tmax, half period",
    "T0": "t 0, t0",
    "TMULT": "t mult, tmult",
    "PCTSTART": "pct start",
    "DIVFACTOR": "div factor",
    "FINALDIV": "final div factor",
    "LASTEPOCH": "last epoch",
    "CYCLES": "num cycles",
    "STARTFACTOR": "start factor",
    "ENDFACTOR": "end factor",
    "TOTALITERS": "linear total iters",
    "POWER": "power",
    "BASELR": "cyclic base lr",
    "STEPUP": "step size up",
    "STEPDOWN": "step size down",
    "TINITIAL": "t initial",
    "WARMUPT": "warmup t",
    "WARMUPLRINIT": "warmup lr init",
    "DECAYT": "decay t",
    "SEQLEN":
        "sequence length, seq len, context length, context, max length, max seq length, ctx, block size, max tokens, "
        "context window, seq length",
    "SCRATCH":
        "from scratch, scratch, random init, randomly initialized, random initialization, randomly initialised, "
        "random initialisation, from zero, untrained, from random init, train from zero, random weights, pretrained "
        "false, weights none, from the ground up, not pretrained, no pretraining, no pretrained, no pretrained "
        "weight, nothing pretrained, not fine tune, no pre training, not use pretrained, no pretrain, no pretrained "
        "weights, without pretrained weights, without pretraining, scratch training, randomly init",
    "PRETRAINED":
        "pretrained, pre trained, fine tune, finetune, fine tunes, transfer learning, fine tuned, finetuned, "
        "finetuning, fine tuning, pretrained weights, pretrained true, pretrained checkpoint, sft, instruction "
        "tuning, instruction tune, linear probe, linear probing, dreambooth, finetunes, imagenet weights, pretrained "
        "backbone, continued pretraining, continual pretraining, continue pretrain, dpo, rlhf, textual inversion, "
        "frozen backbone",
    "LORA": "lora, dora, loras, rslora",
    "QLORA": "qlora",
    "HEAD":
        "linear probe, linear probing, only the head, only the classifier head, head only, frozen backbone, freeze "
        "the backbone, frozen encoder, only the last layer, just the last layer",
    "POSTLN": "post ln, post norm, post layernorm, post layer norm, postln, postnorm",
    "PRELN": "pre ln, pre norm, pre layernorm, pre layer norm, preln, prenorm",
    "BATCHNORM": "batch norm, batchnorm, batch normalization, batchnorm2d, batch normalisation, batch norms",
    "AMP":
        "amp, fp16, bf16, mixed precision, float16, bfloat16, half precision, autocast, gradscaler, grad scaler, bf16 "
        "mixed, fp16 mixed, automatic mixed precision, fp8",
    "EMA": "ema, exponential moving average, ema weights, model ema, weight averaging, polyak averaging",
    "FAST":
        "as fast as possible, as quickly as possible, fastest, quickest, shortest time, limited budget, tight budget, "
        "limited compute, small budget, in the least time, least epochs, asap, few epochs as possible, "
        "superconvergence, super convergence, faster training, speedrun, as few epochs as possible, train faster",
    "REPRODUCE":
        "reproduce the paper, reproduce, replicate, match the paper, reproduce the results, replicating, reproducing, "
        "follow the paper, paper result, same as the paper, reproduction",
    "SIMPLE":
        "simplest, as simple as possible, least tuning, no tuning, without tuning, easiest, keep it simple, one less "
        "hyperparameter, fewer hyperparameters, less hyperparameter, simple as possible, least effort, few "
        "hyperparameters, simpler",
    "OPENEND":
        "not know how long i will train, not know how long, not know how many epochs, not know how many step, open "
        "ended, no fixed length, unknown length, train indefinitely, train forever, not know the total, no idea how "
        "long, until it stop improve, not know in advance how long, no fixed end, not sure how long, without knowing "
        "how long, without a fixed number of, length unknown, not decided how long, not know when i will stop, not "
        "know the number of",
    "VALLOSS":
        "val loss, validation loss, valid loss, eval loss, test loss, dev loss, evaluation loss, validation ce, val "
        "ce, validation perplexity, val perplexity, val ppl, validation error, val error, test error, val bpb, val "
        "mse, validation mse, val mae, validation mae, val rmse, validation rmse, val wer, validation wer, valloss, "
        "held out loss, wer, eval perplexity, validation cross entropy, val nll, dev perplexity, val log loss",
    "TRAINLOSS":
        "train loss, training loss, train error, training error, train mse, training mse, trainloss, training "
        "objective, train nll, train perplexity",
    "LOSS":
        "loss, losses, cross entropy, perplexity, ppl, mse, mae, rmse, nll, error rate, loss curve, ce loss, loss "
        "value, objective, logloss, bpb, mlm loss, td loss, g loss, d loss, ctc loss, crossentropy, ce",
    "VALACC":
        "val acc, val accuracy, validation accuracy, validation acc, test accuracy, test acc, top 1, top1, top 1 "
        "accuracy, top 1 acc, eval accuracy, dev accuracy, miou, val dice, val miou, val map, bleu, f1, auc, val auc, "
        "val f1, validation f1, validation auc, dev f1, val bleu, dev acc, val iou, iou, validation dice, val score, "
        "validation score, ap, dev bleu, validation metric, val metric, mean iou, valid acc, valid accuracy, val "
        "top1, r2",
    "TRAINACC": "train acc, train accuracy, training accuracy, training acc",
    "ACC": "accuracy, acc, score, reward, return, returns, rewards, episode reward, mean reward, episode return",
    "CURVE":
        "training, model, run, it, network, metric, net, everything, training run, curve, performance, this, metrics, "
        "quality, training curve, convergence, learning, thing",
    "GRADNORM": "grad norm, gradient norm, gradients, grads, gradnorm",
    "FLAT":
        "then nothing, plateau, flatline, flat, stall, stagnate, stop improve, stops improving, not improve, no "
        "long improve, no "
        "longer improve, no improvement, hit a wall, stop go down, no longer go down, no longer decrease, stop "
        "decrease, not improve anymore, not budge, hit a plateau, level off, flatten, flatten out, no progress, not "
        "move, stop learn, no further improvement, zero improvement, flat line, sit, hover, stop fall, no longer "
        "fall, not get low, not go below, not go low, stay flat, refuse to go down, stop drop, hit a ceiling, not get "
        "well, not get any well, asymptote, bottom out, no longer drop, not go any low, wall, platform, stay there, "
        "go flat, is dead flat, on a plateau, cannot get below, not get below, same value, tail off, not drop "
        "anymore, saturate, stop progress, not go up anymore, stop go up, hardly move, barely move, not move anymore, "
        "stuck there, flat as a pancake, plateaus, stay put, same since, not decrease anymore, not go down anymore, "
        "not go down any more, not decrease any more, not improve any more, not progress, stop move, plateu, plato, "
        "idle",
    "STUCKAT": "stuck, got stuck, stuck at, stuck around, stuck near, stuck on, get stuck, stick",
    "NODOWN":
        "not go down, not decrease, not drop, not fall, never go down, never decrease, never drop, not reduce, never "
        "improve, not come down",
    "NOLEARN":
        "not learn, never learn, not converge, never converge, not train, learn nothing, not learn anything, fail to "
        "converge, fail to learn, never move, chance level, at chance, random chance, random guess, chance accuracy, "
        "same class, one class, single class, same logits, same output, same prediction, constant prediction, same "
        "label, identical prediction, identical output, identical logits, majority class, same answer, fails to "
        "train, near chance, random level, all the same class, not learn at all, no learning, around chance, predict "
        "all zero, chance",
    "NAN": "nan, nans, inf, infs, infinity, infinite, infinites, nan loss, naned, nan'd, nanned, infinite loss",
    "EXPLODE":
        "explode, blow up, diverge, divergence, go crazy, shoot up, skyrocket, go nuts, blow, go to the moon, go "
        "through the roof, go haywire, shoot to, go off the rails, fall apart, go bananas, run away, exploding, take "
        "off, goes wild, go wild, collapse, get destroyed, die, break down, crater, go mad, go boom, never recover, "
        "not recover, go south, deteriorate, get bad, become bad, turn bad, degrade, go up and up, never come back, "
        "not come back, climb back up, melt down, go to hell, derail, implode, go insane, not come back down, tank, "
        "nosedive, fly off, goes bad, go bad, rise again, go back up, explosion, go downhill, divergent, become big, "
        "get big, become huge, become large, get huge, become very big, worsen, go worse, blowup, blowing up, fly "
        "away",
    "SPIKE": "spike, spiky, loss spike, peak in loss, bump, hiccup, blip, spikes, shoot up and, jump up and",
    "OSC":
        "unstable, instability, oscillate, oscillation, bounce, bounce around, jump around, jitter, jumpy, zigzag, "
        "all over the place, erratic, instable, not stable, swing, wobble, go up and down, up and down, fluctuate, "
        "wild, chaotic, shaky, wobbly, instabilities, jump all over, wildly, very unstable, bouncy, go wobbly, "
        "thrash, ping pong, seesaw, unstability, wander, flaky, jumping around, bounces around, hop around, rocky, "
        "become unstable, choppy, jerk, erupt",
    "NOISY": "noisy, noise in the loss, fuzzy, jagged, ragged",
    "UP":
        "sharp rise, go up, rise, increase, climb, creep up, come up, go upward, go high, ramp, start rise, get high, "
        "grow, go upwards, tick up, start to rise, start to go up, start to increase, start to climb, drift up, turn "
        "around, head up, go in the wrong direction, go the wrong way, start increase, start climb, curve up, turn "
        "up, start go up, bend up",
    "DOWN":
        "go down, decrease, fall, drop, come down, decline, sink, decay, shrink, improve, keep fall, keep decrease, "
        "keep improve, keep go down, get low, still drop, anneal, keep drop, go downward",
    "JUMP":
        "jump, leap, jump up, jump back, shoot back, suddenly high, jump from, reset, jump back up, bounce back up, "
        "step up, snap back, kick, double, go back to, discontinuity, sudden increase, sudden jump",
    "ZERO":
        "near zero, close to zero, almost zero, nearly zero, basically zero, practically zero, essentially zero, near "
        "0, close to 0, almost 0, nearly 0, at zero, effectively zero, zero, 0, tiny, vanish, next to zero, "
        "approximately zero, to nothing, next to nothing, near nothing, virtually zero, microscopic, to dust, about "
        "zero, approx zero, to zero, gone, toast, over far too soon, kaput, dead, infinitesimal, vanishingly small, "
        "basically nothing, minuscule, "
        "basically 0, practically 0, essentially 0, like zero, negligible, next to 0, vanishes, pretty much zero, "
        "pretty much 0, dies, flatlines at zero, zero already, very small, extremely small, minimum, eps, hits zero, "
        "~0, too small, too low",
    "TOOFAST":
        "to quick, way to quick, way to fast, too fast, too quickly, too soon, way too fast, too early, far too "
        "fast, so fast, super fast, much too fast, "
        "extremely fast, way too quickly, very fast, much faster than, so quickly, faster than expected, too rapidly, "
        "too quick, much faster, far faster, way faster, faster than it should, very quickly, way too soon, way too "
        "early, within minutes, faster than i expect, quicker than, immediately, right away, so early, hyper fast, to "
        "fast",
    "NOCHANGE":
        "not change, never change, stay the same, stay constant, not move at all, remain constant, remain the same, "
        "not update, never update, no change, frozen, does nothing, no effect, not decay, never decay, remain "
        "unchanged, unchanged, not go down at all, not do anything, not decrease at all, never move, stay at the "
        "same, do nothing, never decrease, stay flat, keep the same, stay unchanged, not drop, not budge, never budge",
    "NOTZERO":
        "not reach zero, never reach zero, not reach 0, never reach 0, not zero at the end, not go to zero, not get "
        "to zero, never hit zero, not hit zero, not end at zero, not reach the minimum, not finish, never get to "
        "zero, never reach the minimum, never finish, not reach eta min, not zero by the end, never go to zero, not 0 "
        "at the end",
    "OVERFIT": "overfit, overfits, overfitting, over fit, over fits, over fitting, overfitted, memorize, memorise",
    "SLOW": "slow, slowly, sluggish, crawl, take forever, slower, too slow, painfully slow, snail",
    "WORSE":
        "worse, worse result, bad result, underperform, low accuracy, hurts, hurt, worse than, do worse, bad than, "
        "lower accuracy, lower final accuracy, perform bad, below the baseline, below baseline, inferior",
    "RAISES":
        "valueerror, runtimeerror, keyerror, typeerror, attributeerror, indexerror, assertionerror, "
        "zerodivisionerror, traceback, exception, tried to step, throw an error, throw error, raise error, raise an "
        "error, get an error, error out, get error, errors out, crash with, gives error, give an error, get this "
        "error, throw this, nameerror, overflowerror, misconfigurationexception, importerror, unboundlocalerror, "
        "notimplementederror, unexpected keyword argument, raise valueerror, raise exception, error message, "
        "modulenotfounderror, raise a valueerror",
    "CALM":
        "stabilize, stabilise, settle, calm down, recover, calm, smooth out, settle down, stable, become stable, "
        "quiet down, behave, fine, quiet, smooth, ok, okay, well behaved, become calm, converge, behaves, stable "
        "again, normal, chill, chill out, sort itself out, it is stable, things calm down, good again, mellow, "
        "steady, no problem, no problems, no trouble, no issue, no issues, all good, tame, decent, sober up, survive, "
        "no more spikes, healthy",
    "AFTER":
        "after, since, past, from, as of, starting at, starting from, beyond, as soon as, following, post, begin at",
    "AT":
        "at, around, on, about, near, by, roughly at, round, in, near the, circa, ~, during, approximately, roughly, "
        "approx, before, until, till, reach, already at, upto, up to, right at, @, till about, as early as, hit, "
        "close to, come",
    "FIRST": "first, initial, opening, the first",
    "LAST": "last, final, past, previous, next, another, every, each, more, extra, additional",
    "BEGIN":
        "right away, from the start, from the beginning, at the start, at the beginning, at first, initially, in the "
        "beginning, straight away, from the very start, from the very beginning, right from the start, at "
        "initialization, first iteration, first step, early on, first batch, very first step, from step 0, "
        "immediately, instantly, from epoch 0, in the early phase, very first batch, first few steps, first few "
        "batches, first few hundred steps, in the first epoch, first few epochs, first couple of epochs, first couple "
        "epochs, first handful of epochs, early in training, early training, early epochs, from the get go, first "
        "hundred steps, from day one",
    "FROMSTART":
        "from the start, from the beginning, from the very start, from the very beginning, right from the start, from "
        "step 0, from epoch 0, from the get go, from day one, from the first epoch, since the start, since the "
        "beginning, from epoch 1, from the first step, from the first batch, from iteration 0, from the first "
        "iteration",
    "RESUME":
        "resume, checkpoint, reload, restart, restore, ckpt, load the checkpoint, resumed, continue training, "
        "restarts",
    "NOT":
        "not, no, never, without, w/o, wo, none, neither, nor, zero sign of, free of, absent, nothing, lack, hardly, "
        "avoid, prevent, stop it from, keep it from, except, unlike, isnt, cannot",
    "HYP":
        "do i set, do i use, do i keep, do i go, do i just, do we use, should i, shall i, should we, what about, how "
        "about, why not, would it, worth, or should, could i, can i, do "
        "i need, do we need, would i, is there any benefit, would you, should it, maybe i should, instead of, rather "
        "than, is it better, is it worth, consider, thinking about, thinking of, think of, think about, recommend, "
        "suggest, does it make sense to, could we, can we, need for, any reason to, must i, alternative to, "
        "alternatives to, tempted to, am i supposed, do people, do you, does anyone, which, whether to, want to try, "
        "wanted to try, supposed to, opposed to, better than, compared to, compared with, vs, versus, prefer, should "
        "there, if i use, reason to, reasons to, benefit of, what if, is there a need, need, ought i, best to, advice "
        "on, opinions on, wonder, know about, heard about, hear about, read about, heard that, difference between, "
        "add, adding, people say, told me, says, tells me, someone, colleague, supervisor",
    "MAYBE":
        "if, whether, would, could, might, may, afraid, worried, risk, will, chance of, danger, worry, to avoid, in "
        "case, should, can, unless, so that, expect, avoid, prevent, against, lest",
    "USE":
        "use, i have, we have, with, train, run, my, current, currently, employ, on top of, setup, config, plain, "
        "using, have, our, i use, via, i train, had",
    "PAST":
        "everyone, everybody, paper, papers, originally, original, previously, used to, tutorial, blog, "
        "authors, reference, "
        "recipe, before, earlier, they, last time, colleague, example, default, docs, default is, usually, known "
        "to work, tuned, previous run, old, elsewhere, in the past, reported",
    "GOODLR":
        "work, work fine, worked, fine, stable, work well, ok, trains fine, was ok, was fine, is fine, works great",
}  # fmt: skip

# Schedulers by the name they go by, and the phrases for them.
SCHEDULERS = {
    "constant":
        "no scheduler, no schedule, without scheduler, without a scheduler, no lr scheduler, no lr schedule, without "
        "any scheduler, without schedule, without a schedule, no scheduling, not use a scheduler, not use any "
        "scheduler, constant schedule, no lr scheduling, no decay, without decay, not use scheduler, not use a "
        "schedule, without any schedule, no learning rate schedule, no learning rate scheduler, not have a scheduler, "
        "constant scheduler, not decay the lr, no scheduler at all, without lr scheduler, without lr schedule, no lr "
        "decay, there is no scheduler, no learning rate decay, never decayed, get constant schedule, no annealing, no "
        "schedule at all",
    "constant_with_warmup": "constant with warmup, get constant schedule with warmup",
    "CosineAnnealingLR":
        "cosine annealing lr, cosine annealing, cosine, cosine schedule, cosine decay, cosine scheduler, cosine lr, "
        "cosine lr schedule, half cosine, cosine learning rate, cosine anneal, cosineannealing, cosine learning rate "
        "schedule, cosine lr decay, cos annealing, cosine schedular, cosine learning rate decay, cosine lr scheduler, "
        "cosine annealing schedule, cosine annealing scheduler, cos schedule, cos decay, cosine annealed, annealing "
        "cosine, cosineannealinglr scheduler, cosanneal, cosine curve, cosinelr, cosineanneal",
    "CosineAnnealingWarmRestarts":
        "cosine annealing warm restarts, cosine restarts, warm restarts, sgdr, cosine with restarts, cosine annealing "
        "with warm restarts, cosine annealing with restarts, cosine with warm restarts, cawr, cosine annealing "
        "restarts, cosine warm restarts",
    "OneCycleLR":
        "1cyc, one cycle lr, one cycle, onecycle, 1cycle, 1 cycle, one cycle policy, one cycle schedule, 1cycle "
        "policy, fit one cycle, one cycle scheduler, super convergence schedule, one cycle learning rate, 1 cycle "
        "policy",
    "ReduceLROnPlateau":
        "reduce lr on plateau, reduce on plateau, plateau scheduler, lr on plateau, rlrop, rop, reduce learning rate "
        "on plateau, reducelronplateau, reduceonplateau, reduce lr on plateu, plateau schedule, rlronp, reduce lr on "
        "platau, reduce lr onplateau",
    "StepLR":
        "step lr, step decay, step schedule, stepwise decay, step learning rate, stepped decay, step decay "
        "schedule, step lr scheduler",
    "MultiStepLR":
        "multi step lr, multi step, multistep, multistep schedule, multi step decay, piecewise constant, multistep "
        "decay, piecewise, multi step scheduler",
    "ExponentialLR":
        "exponential lr, exponential decay, exponential schedule, exponential lr decay, exp decay, exponential "
        "scheduler, exponentiallr",
    "PolynomialLR":
        "polynomial lr, poly, polynomial decay, poly lr, poly schedule, polynomial schedule, poly decay, polynomial, "
        "polylr, poly policy, polynomial scheduler, poly learning rate",
    "LambdaLR": "lambda lr, lambdalr",
    "MultiplicativeLR": "multiplicative lr",
    "CyclicLR":
        "cyclic lr, cyclical, cyclical lr, cyclical learning rate, cyclical learning rates, triangular, triangular2, "
        "clr, cyclic learning rate, cyclic, cyclic schedule, cyclic learning rates, cyclical lrs, exp range",
    "SequentialLR": "sequential lr",
    "ChainedScheduler": "chained scheduler",
    "SWALR": "swalr, swa lr",
    "get_linear_schedule_with_warmup":
        "get linear schedule with warmup, linear schedule with warmup, linear warmup and linear decay, linear warmup "
        "and decay, linear warmup then linear decay, linear warmup with linear decay, linear scheduler with warmup, "
        "linear with warmup, warmup linear, warmup decay lr, linear warmup decay, linear warmup linear decay, warmup "
        "then linear decay, warmup and linear decay",
    "linear":
        "linear decay, linear schedule, linearly decay, decay linearly, linear scheduler, linear annealing, linear lr "
        "decay, linear lr schedule, linear anneal, linear lr scheduler, linear learning rate decay, linear decay to "
        "zero, linear lr annealing",
    "get_cosine_schedule_with_warmup":
        "get cosine schedule with warmup, cosine schedule with warmup, cosine with warmup, warmup cosine, cosine "
        "decay with warmup, warmup cosine schedule, linear warmup cosine annealing lr, cosine with linear warmup, "
        "warmup then cosine, warmup and cosine, warmup cosine decay schedule, linear warmup then cosine, warmup then "
        "cosine decay, warmup and cosine decay, cosine annealing with warmup, linear warmup and cosine decay, linear "
        "warmup cosine, linear warmup cosine decay, linear warmup and cosine",
    "get_cosine_with_hard_restarts_schedule_with_warmup":
        "get cosine with hard restarts schedule with warmup, cosine with hard restarts, hard restarts",
    "get_polynomial_decay_schedule_with_warmup": "get polynomial decay schedule with warmup",
    "get_inverse_sqrt_schedule":
        "get inverse sqrt schedule, inverse sqrt, inverse square root, inverse square root schedule, inverse sqrt "
        "schedule, rsqrt, inverse square root decay, inverse sqrt decay, invsqrt, inverse sqrt lr",
    "get_wsd_schedule":
        "get wsd schedule, wsd, warmup stable decay, wsd schedule, trapezoidal, trapezoid, wsd scheduler",
    "noam": "noam, noam schedule, noam scheduler, noam lr, noamopt, noam decay, noamlr",
    "get_scheduler": "get scheduler",
    "GreedyLR": "greedy lr, greedylr",
    "get_cosine_with_min_lr_schedule_with_warmup": "get cosine with min lr schedule with warmup, cosine with min lr",
    "CosineLRScheduler": "cosinelrscheduler class",
    "StepLRScheduler": "steplrscheduler class",
    "PolyLRScheduler": "polylrscheduler class",
    "TanhLRScheduler": "tanh lr scheduler",
    "MultiStepLRScheduler": "multisteplrscheduler class",
    "PlateauLRScheduler": "plateau lr scheduler",
    "WSDLRScheduler": "wsd lr scheduler",
    "CosineDecay": "cosinedecay class",
    "CosineDecayRestarts": "cosine decay restarts",
    "LearningRateScheduler": "learning rate scheduler callback",
    "WarmupLR": "warmuplr class",
    "WarmupDecayLR": "warmupdecaylr class",
    "WarmupCosineLR": "warmupcosinelr class",
}  # fmt: skip

OPTIMIZERS = {
    "sgd":
        "sgd, nesterov sgd, vanilla sgd, plain sgd, nesterov, sgd nesterov, momentum sgd, sgd momentum, stochastic "
        "gradient descent, msgd, sgdm",
    "adam": "adam, adam optimizer, adam optimiser, vanilla adam",
    "adamw":
        "adamw, adam w, adamw torch, fused adamw, adamw fused, adamw 8bit, adamw8bit, 8bit adam, 8 bit adam, paged "
        "adamw, paged adamw 8bit, adamw torch fused, paged adamw 32bit, decoupled adam",
    "lamb": "lamb",
    "lars": "lars",
    "lion": "lion",
    "adafactor": "adafactor, ada factor",
    "rmsprop": "rmsprop, rms prop",
    "adagrad": "adagrad, ada grad",
    "adadelta": "adadelta, ada delta",
    "muon": "muon",
    "radam": "radam, rectified adam",
    "nadam": "nadam",
    "prodigy": "prodigy",
    "dadaptation": "dadaptation, d adaptation, dadapt, dadaptadam",
    "schedulefree":
        "schedule free, schedulefree, schedule free adamw, schedulefree adamw, adamwschedulefree, sgdschedulefree, "
        "schedule free sgd",
    "sophia": "sophia",
    "shampoo": "shampoo",
    "soap": "soap optimizer",
    "adamax": "adamax",
    "adabelief": "adabelief",
    "ranger": "ranger",
    "lbfgs": "lbfgs, l bfgs",
    "novograd": "novograd",
    "adan": "adan optimizer",
    "lookahead": "lookahead",
}  # fmt: skip

FRAMEWORKS = {
    "torch": "pytorch, torch, torchvision, vanilla pytorch, pure pytorch, plain pytorch, ddp, fsdp, deepspeed",
    "lightning":
        "lightning, pytorch lightning, pl trainer, configure optimizers, learningratemonitor, check val every n "
        "epoch, lightning trainer, lightningmodule, torch lightning, ptl",
    "transformers":
        "transformers, hf trainer, hugging face, huggingface, hf, seq2seqtrainer, trainingarguments, hugging face "
        "trainer, huggingface trainer, huggingface transformers, hf transformers, trl, sfttrainer, peft, axolotl, "
        "sentence transformers, huggingface's trainer",
    "accelerate": "accelerate, diffusers, accelerator, hf accelerate, huggingface accelerate",
    "timm": "timm",
    "keras": "keras, tensorflow, tf, tf.keras, tf2, tensorflow2, keras3, tensorflow 2",
    "optax": "optax, jax, flax, haiku, equinox",
    "fastai": "fastai, fast.ai",
}  # fmt: skip

DOMAINS = {
    "classification":
        "image classification, image classifier, classify images, classifier, classification, image recognition, "
        "classifying images, image class, classify, multi label classification",
    "detection": "object detection, detection, detector, coco detection, object detector, yolo",
    "segmentation": "segmentation, semantic segmentation, segmenting, instance segmentation, segment",
    "self-supervised":
        "self supervised, simclr, byol, contrastive learning, contrastive, ssl, dino, dinov2, moco, masked "
        "autoencoder, barlow twins, vicreg, contrastive pretraining",
    "language-model":
        "language model, language modeling, language modelling, llm, lm, llm pretraining, causal lm, pretraining a "
        "language model, language models, llms, next token prediction, character level, char level",
    "nlp":
        "text classification, sentiment, sentiment analysis, sentiment classification, ner, question answering, "
        "summarization, summarisation, named entity, glue, mnli, squad, intent classification, text classifier, sst "
        "2, reranker, token classification, nli, mlm, masked language modeling, masked language model",
    "translation":
        "translation, machine translation, nmt, neural machine translation, translate, seq2seq translation",
    "speech":
        "speech recognition, asr, speech, tts, text to speech, audio classification, keyword spotting, speaker "
        "verification, speaker recognition, audio tagging, speech to text",
    "diffusion":
        "diffusion, diffusion model, ddpm, diffusion models, latent diffusion, score model, stable diffusion",
    "gan": "gan, gans, generative adversarial",
    "rl": "reinforcement learning, rl, deep rl",
    "tabular": "tabular, tabular data, house prices, csv data, churn",
    "graph": "graph neural network, graph network, node classification, graph classification, link prediction",
    "time-series": "time series, timeseries, forecast, forecasting, stock prediction, time series forecasting",
}  # fmt: skip

FAMILIES = {
    "cnn":
        "cnn, convnet, convolutional, conv, small cnn, convolutional network, conv net, convolutional neural network",
    "transformer":
        "transformer, transformers model, transformer encoder, encoder decoder transformer, vision transformer",
    "rnn": "rnn, lstm, gru, bilstm, recurrent network, bi lstm, rnns, lstms",
    "mlp":
        "mlp, multilayer perceptron, feedforward network, feed forward network, fully connected network, dense "
        "network",
    "unet": "unet, u net",
    "gnn": "gnn, gcn, graph network, graph neural network, graphsage, mpnn",
    "linear": "logistic regression, linear regression, linear model",
}  # fmt: skip

# Data sets: their names, the training samples where everybody knows them (0 elsewhere), and the usual task.
DATASETS = {
    "imagenet": (
        "imagenet, imagenet 1k, imagenet1k, ilsvrc2012, ilsvrc, in1k, imagenet 2012, ilsvrc 2012, in 1k",
        1281167,
        "classification",
    ),
    "imagenet-21k": ("imagenet 21k, imagenet21k, in21k, in 21k, imagenet 22k, in22k", 14197122, "classification"),
    "cifar10": ("cifar 10, cifar10, cifar", 50000, "classification"),
    "cifar100": ("cifar 100, cifar100", 50000, "classification"),
    "mnist": ("mnist", 60000, "classification"),
    "fashion-mnist": ("fashion mnist, fashionmnist, fmnist", 60000, "classification"),
    "svhn": ("svhn", 73257, "classification"),
    "stl10": ("stl 10, stl10", 5000, "classification"),
    "tiny-imagenet": ("tiny imagenet, tinyimagenet, tiny imagenet 200", 100000, "classification"),
    "imagenet-100": ("imagenet 100, imagenet100", 0, "classification"),
    "imagenette": ("imagenette, imagewoof", 0, "classification"),
    "places365": ("places365, places 365", 1803460, "classification"),
    "food101": ("food 101, food101", 75750, "classification"),
    "flowers102": ("flowers 102, oxford flowers, flowers102", 0, "classification"),
    "coco": ("coco, ms coco, coco 2017, mscoco, coco2017, coco train2017", 118287, "detection"),
    "voc": ("pascal voc, voc2012, voc 2012, voc2007, voc", 0, ""),
    "cityscapes": ("cityscapes", 2975, "segmentation"),
    "ade20k": ("ade20k, ade 20k, ade", 20210, "segmentation"),
    "celeba": ("celeba, celeb a", 162770, ""),
    "wmt14": ("wmt14, wmt 14, wmt16, wmt", 0, "translation"),
    "iwslt14": ("iwslt14, iwslt 14, iwslt", 0, "translation"),
    "wikitext": ("wikitext, wikitext 103, wikitext103, wikitext 2", 0, "language-model"),
    "openwebtext": ("openwebtext, open web text, owt", 0, "language-model"),
    "c4": ("c4 dataset", 0, "language-model"),
    "fineweb": ("fineweb, fineweb edu", 0, "language-model"),
    "librispeech": ("librispeech, libri speech", 0, "speech"),
    "imdb": ("imdb", 25000, "nlp"),
    "sst2": ("sst 2, sst2", 67349, "nlp"),
    "mnli": ("mnli", 392702, "nlp"),
    "rte": ("rte", 2490, "nlp"),
    "cola": ("cola", 8551, "nlp"),
    "mrpc": ("mrpc", 3668, "nlp"),
    "qqp": ("qqp", 363846, "nlp"),
    "qnli": ("qnli", 104743, "nlp"),
    "stsb": ("sts b, stsb", 5749, "nlp"),
    "squad": ("squad, squad v1", 0, "nlp"),
    "alpaca": ("alpaca", 52002, ""),
    "speech-commands": ("speech commands, google speech commands", 0, "speech"),
}  # fmt: skip

# Base forms of the verbs above; the regular endings are made from them.
VERBS = (
    "improve plateau flatline stall stagnate decrease increase drop climb explode diverge spike oscillate bounce "
    "jump jitter fluctuate stabilize stabilise settle recover calm converge learn overfit memorize crash raise "
    "decay anneal shoot skyrocket collapse crater tank die vanish use train predict resume restart reload restore "
    "accumulate change stay remain reach finish reproduce replicate work degrade worsen deteriorate saturate "
    "flatten level hover move budge update consider recommend suggest try wonder prefer employ zigzag wobble "
    "swing turn creep drift ramp double reset continue translate forecast classify segment crawl hurt "
    "underperform tune clip warm load behave start keep stop refuse fail hit look seem end happen appear kick "
    "leap lower reduce cut halve call peak expect decline snap progress thrash derail erupt wander swap add worry"
)

# Other forms and short forms of words, and slips too far from the word they mean.
IRREGULAR = {
    "go": "goes went going",
    "get": "gets got getting",
    "blow": "blows blew blown blowing",
    "fall": "falls fell falling fallen",
    "rise": "rises rose rising risen",
    "sink": "sinks sank sinking",
    "sit": "sits sat sitting",
    "stick": "sticks sticking",
    "grow": "grows grew growing",
    "become": "becomes became becoming",
    "come": "comes came coming",
    "throw": "throws threw throwing",
    "take": "takes took taking",
    "shoot": "shot",
    "break": "breaks broke",
    "do": "does did doing",
    "stop": "stopped stopping",
    "drop": "dropped dropping",
    "die": "dying",
    "overfit": "overfitted overfitting",
    "hit": "hitting",
    "reset": "resetting",
    "cut": "cutting",
    "plateau": "plateaued plateaus plateaux plateaud plateauing plateaued.",
    "keep": "kept",
    "try": "tries tried trying",
    "run": "running runs ran",
    "lose": "lost",
    "shrink": "shrinks shrank",
    "well": "better",
    "low": "lower",
    "high": "higher",
    "flatten": "flattens",
    "improvement": "improvements",
    "spike": "spikes spiking",
    "think": "thinking",
    "add": "adding",
    "class": "classes",
    "hear": "heard",
    "use": "using",
    "diverge": "diverging",
    "i am": "i'm im",
    "we are": "we're",
    "i have": "i've ive",
    "i would": "i'd",
    "it": "it's",
    "that": "that's",
    "what": "what's",
    "there": "there's",
    "we have": "we've",
    "i will": "i'll",
    "labeled": "labelled",
    "optimizer": "optimiser opt",
    "initialized": "initialised",
    "not know": "dunno",
    "want to": "wanna",
    "going to": "gonna",
    "not": "cannot dont doesnt didnt isnt wont cant wasnt havent hasnt arent aint dosent doesn",
    "without": "w/o",
    "with": "w/",
    "nan": "nans",
    "tank": "tanks",
    "work": "worked",
    "which": "wich",
    "after": "afer aftr",
    "cycle": "cyle cylce",
    "batch": "batche",
    "already": "allready",
    "your": "ur",
    "you": "u",
    "because": "bc cuz",
    "through": "thru",
    "though": "tho",
    "till": "til",
    "please": "pls",
    "schedule": "schedules",
    "scheduler": "schedulers",
    "loss": "loses lossess",
    "epoch": "epoch's",
}  # fmt: skip

# Words that say nothing and stand anywhere: phrases are compared without them.
FILLERS = frozenset(
    (
        "a actually already an any are basically be been being even ever exactly had has is its just kinda literally "
        "my our pretty really seriously simply somehow the was were your"
    ).split()
)

# Common words that are one slip away from a word above, and mean what they say.
EVERYDAY = frozenset(
    (
        "accelerated adams advanced advise agent aided aiding alter analyses analysts annual appealed appealing "
        "appeals arena audit averaged badge badges baked barley basel bases batter beats began begun biased bitches "
        "bitter black bleak blogs bloke bounded bounty brake bread brock broken broker brooke brown butter caleb "
        "caller cannon carter carts carve casual cater catering cells chaired chances chang chanting charge charged "
        "charges charging checkpoint checkpoints cheek chick child chile chili chilly chips chores chose chuck cigar "
        "cited citing clans classy claus clauses claws clone closed closer closet coding comet comin commute compare "
        "compares compete computer content contest convent converse converted converting convnext coping corey couldn "
        "county coupled court crate creed creek creepy crush crushed crushing cured curse curved cutter dagger dancer "
        "daring decades deceased decide decides defaults delay delayed delays della denise descend destroyer detail "
        "detailed detailing details detectron detention dining diverse diverted diving doesnt doubted draft drafted "
        "drafting drafts dripping drying employee employer evacuation excerpt expert experts explore explored "
        "explores exploring faction facto factory fallon farther fellow fever filed filing filling fills finale fined "
        "finnish fired fixes flames flattering flood flour foster framed freezer friction froze gammas gettin giles "
        "given glowing grabs grade grades grams grape grapes grass greed greet gross grown guest guests halted hardy "
        "hasn hated hating haunt haven having health hears heart hiding hiking hinted hired hiring hitter homer "
        "hoover horse housed hunted hunting hyped intend interior invent issued jumper keeper kicker knicks knows "
        "labels larger laser later latest lawyer leafs leaked leaking leaks leaned leaning learnt lease leased leash "
        "leasing leaving lengthy lever lighting linearlr liner loans locked locking locks logger lookin loops looting "
        "losers lover lovers loves loyal macro march marked massage memories mighty mined miner minor mitch mixer "
        "mixes moist moses motel movies multiplayer names nearby neatly neutral newer norman noses notes nothin "
        "noting oppose paced pages pains paints palace paris passed patents paved peace perception perks petty phrase "
        "pictured piper pisses placed plane planes plated poker police possibly powder precious present priced "
        "princes prints prizes processed prone prose prove proving qualify quite races radar radio raided raids "
        "raining rains ramos ranges ransom raped raping rated react reacted reacting recovery referenced refuge "
        "regain regained regard regards reich reporter repression rested resting rests retain retained retaining "
        "retains ricky rides riding rigged risking risks roach rocks roses rugged ruining sampled saying scale scaled "
        "scales scare scars scope scored scorer seattle seeded seeding seeds seeing seeking seeks sentenced serves "
        "setting settlers sewing shady shake shale share shark shell shock shook shooter shopping shops shore short "
        "shorts shots shouldn shout shouted shouting shouts shower shrine sides simply singing sings sites sized "
        "skill sliced slick slides slowed smart smell sobers sophie spans spice spicy spies spill spine spite "
        "spitting spoke sporting squat squid stacks stages staging stained stains stairs stakes stale stalk stalking "
        "staple stare staring stark starr starred starring starter starved starving states stating stats steph sticky "
        "sting stink stocking stocks stoked stoned store stored storing struck stuart suing superb supper suppose "
        "survived swine swore swung talked talking talks tanker tapes targets tasked tasks taxes taxing thank thanked "
        "thanking thanks theme these theyre thick thinks thorough though thrown tides times tired titles toned tones "
        "torah tories touch trail trailer trailing trails trait traits trans transformed trash trees tribes trips "
        "troubled trough tryin tubes turks turner tying vague valued valve verses waited wards warmer warned warning "
        "warns wasted weigh weighs widow willy wording words worker workers worst worthy wouldn wound wright"
    ).split()
)
