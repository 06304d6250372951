;;; tests/dropin/ecl_threads.lisp: ECL's threads while collections happen. SPDX-License-Identifier: MIT

(setf ext:*invoke-debugger-hook*
      (lambda (condition hook)
        (declare (ignore hook))
        (format t "failed: ~a~%" condition)
        (ext:quit 1)))

(defun pairs (depth) (if (= depth 0) nil (cons (pairs (1- depth)) (pairs (1- depth)))))
(defun leaves (pairs) (if pairs (+ (leaves (car pairs)) (leaves (cdr pairs))) 1))
(defun spawn (n work)
  (loop for i below n collect (let ((i i)) (mp:process-run-function i (lambda () (funcall work i))))))
(defvar *lock* (mp:make-lock :name 'sum))
(defvar *sum* 0)
(defun add (n) (mp:with-lock (*lock*) (incf *sum* n)))
(defun sum-of (threads) (mapc #'mp:process-join threads) (prog1 *sum* (setf *sum* 0)))

;; Threads that allocate side by side, for long and for a moment only.
(format t "long ~a~%" (sum-of (spawn 6 (lambda (i) (declare (ignore i))
                                         (add (loop repeat 20 sum (leaves (pairs 12))))))))
(format t "short ~a~%"
        (loop repeat 60
              sum (sum-of (spawn 8 (lambda (i) (add (+ i (leaves (pairs 7)))))))))
(format t "nested ~a~%"
        (sum-of (spawn 4 (lambda (i) (declare (ignore i))
                           (mapc #'mp:process-join
                                 (spawn 4 (lambda (j) (add (+ j (leaves (pairs 8)))))))))))

;; A queue under a lock with a condition, while this thread collects.
(defvar *queue* nil)
(defvar *filled* (mp:make-condition-variable))
(defun take ()
  (mp:with-lock (*lock*)
    (loop until *queue* do (mp:condition-variable-wait *filled* *lock*))
    (pop *queue*)))
(let ((consumers (spawn 2 (lambda (i) (declare (ignore i))
                            (let ((mine 0))
                              (loop for e = (take)
                                    until (eq (car e) :end)
                                    do (unless (string= (second e) (format nil "~36r" (car e)))
                                         (setf mine -1000000))
                                       (incf mine (car e)))
                              (add mine)))))
      (producers (spawn 2 (lambda (i)
                            (loop for n from i below 1500 by 2
                                  do (mp:with-lock (*lock*)
                                       (push (list n (format nil "~36r" n)) *queue*)
                                       (mp:condition-variable-signal *filled*)))))))
  (loop repeat 5 do (ext:gc t) (pairs 10))
  (mapc #'mp:process-join producers)
  (loop while (mp:with-lock (*lock*) *queue*) do (sleep 0.001))
  (mp:with-lock (*lock*)
    (setf *queue* (list (list :end) (list :end)))
    (mp:condition-variable-broadcast *filled*))
  (format t "queue ~a~%" (sum-of consumers)))

;; Bindings that belong to threads, and results that only they named.
(defvar *bound* nil)
(let ((results (make-array 6)))
  (mapc #'mp:process-join
        (spawn 6 (lambda (i)
                   (let ((*bound* (list i (pairs 9))))
                     (ext:gc t)
                     (pairs 11)
                     (setf (aref results i) *bound*)))))
  (format t "bound ~a ~a~%" (map 'list #'car results)
          (loop for r across results sum (leaves (second r)))))

(format t "end~%")
(ext:quit 0)
