"""Smoke-tests the script: trains briefly, both as a command and through `main`."""
import re

import numpy as np
from helpers import digits_with_numpy
from rnn_mnist import generated_data_sets


def test_command_prints_only_results_on_stdout_and_no_warnings_on_stderr(a_run):
    status, out, err, _ = a_run
    assert status == 0
    assert re.fullmatch(r'(step +\d+/100  batch accuracy [01]\.\d{4}\n){5}test accuracy 0\.\d{4} '
                        r'on 10000 generated digits, not MNIST, after 100 steps in \d+ s\n', out)
    assert err.startswith('Starting TensorFlow ...\n')
    assert 'deprecated' not in err and 'cpu_feature_guard' not in err


def test_saved_network_beats_guessing_and_has_the_printed_accuracy_in_numpy(a_run):
    _, out, _, file = a_run
    printed = float(re.search('test accuracy ([0-9.]+)', out).group(1))
    test = generated_data_sets().test
    digits = digits_with_numpy(np.load(str(file)), test.images)
    assert printed > 0.2  # guessing gives 0.1
    assert abs(np.mean(digits == test.labels) - printed) < 2e-4  # rounding may flip one prediction


def test_main_trains_on_the_files_in_a_folder(mnist_dir, run):
    status, out, err = run('--data-dir', mnist_dir)
    assert status == 0 and str(mnist_dir) in err and re.fullmatch(
        r'step .*\ntest accuracy [01]\.\d{4} on 130 test images, after 1 steps in \d+ s\n', out)
